/** How pods are written: pkg/registry/core/pod of Kubernetes. */
import type { Strategy, StrategyContext } from "../../../registry/strategy.ts";
import { defaultPod } from "./defaults.ts";
import { narrowUpdate, OWNABLE_PARTS } from "./narrow-update.ts";
import { keepObservedGenerations } from "./observed-generations.ts";
import { qosClassOf } from "./qos.ts";
import type { Pod } from "./types.ts";
import { validatePodUpdate } from "./validation/pod-update.ts";
import { validateNewPod, validatePod } from "./validation/pod-spec.ts";

export const podStrategy: Strategy<Pod> = {
  default: defaultPod,
  prepareForCreate(pod) {
    pod.status = { phase: "Pending", qosClass: qosClassOf(pod.spec) };
    if ((pod.spec.schedulingGates?.length ?? 0) === 0) return;
    const message = "Scheduling is blocked due to non-empty scheduling gates";
    const condition = { type: "PodScheduled", status: "False", reason: "SchedulingGated", message } as const;
    pod.status.conditions = [condition];
  },
  prepareForUpdate(pod, old, { subresource }: StrategyContext) {
    narrowUpdate(pod, old, subresource);
    if (subresource !== "status") return;
    // The class of a pod never changes, whatever a status says.
    if (old.status?.qosClass) pod.status = { ...pod.status, qosClass: old.status.qosClass };
    if (pod.status) keepObservedGenerations(pod.status, old.status);
  },
  validate: validatePod,
  validateCreate: validateNewPod,
  ownableParts: OWNABLE_PARTS,
  validateUpdate: validatePodUpdate,
  fields({ spec, status }) {
    return {
      "spec.nodeName": spec.nodeName ?? "",
      "spec.restartPolicy": spec.restartPolicy ?? "",
      "spec.schedulerName": spec.schedulerName ?? "",
      "spec.serviceAccountName": spec.serviceAccountName ?? "",
      "spec.hostNetwork": String(spec.hostNetwork === true),
      "status.phase": status?.phase ?? "",
      "status.podIP": status?.podIP ?? "",
      "status.podIPs": status?.podIPs?.map(({ ip }) => ip).join(",") || (status?.podIP ?? ""),
      "status.nominatedNodeName": status?.nominatedNodeName ?? "",
    };
  },
  gracePeriodSeconds({ spec, status }, asked) {
    // Nobody runs it, or nothing of it runs any more: there is nothing to wait for.
    if (!spec.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
    const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
};
