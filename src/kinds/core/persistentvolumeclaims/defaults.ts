/** Defaults of claims: pkg/apis/core/v1/defaults.go, and what pkg/api/persistentvolumeclaim of Kubernetes makes of data sources. */
import type { DataSource, PersistentVolumeClaim, PersistentVolumeClaimSpec } from "./types.ts";

/** Changes its argument. */
export function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.status ??= {};
  claim.status.phase ??= "Pending";
  claim.spec.volumeMode ??= "Filesystem";
}

/** The old field for where content comes from and the new one say the same, where both can. Changes its argument. */
export function alignDataSources(spec: PersistentVolumeClaimSpec, old?: PersistentVolumeClaimSpec): void {
  if (spec.dataSource && !old?.dataSource && !isKnownSource(spec.dataSource)) delete spec.dataSource;
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    const { namespace: _namespace, ...source } = dataSourceRef;
    spec.dataSource = source;
  }
}

/** What the old field may name; it forgets everything else. */
function isKnownSource({ apiGroup = "", kind }: DataSource): boolean {
  return apiGroup === "" ? kind === "PersistentVolumeClaim" : isSnapshot(apiGroup, kind);
}

function isSnapshot(apiGroup: string, kind: string): boolean {
  return apiGroup === "snapshot.storage.k8s.io" && kind === "VolumeSnapshot";
}
