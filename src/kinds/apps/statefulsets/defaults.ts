/** Defaults of StatefulSets: pkg/apis/apps/v1/defaults.go of Kubernetes. */
import { defaultClaim } from "../../core/persistentvolumeclaims/defaults.ts";
import { defaultPodSpec } from "../../core/pods/defaults.ts";
import type { StatefulSet } from "./types.ts";

/** Changes its argument. */
export function defaultStatefulSet({ spec }: StatefulSet): void {
  spec.podManagementPolicy ||= "OrderedReady";
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= "Retain";
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  defaultPodSpec(spec.template.spec);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.kind = "PersistentVolumeClaim";
    claim.apiVersion = "v1";
    defaultClaim(claim);
  }
}
