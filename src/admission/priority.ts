/** Priority: resolves priorityClassName to a number. So far there are only the two classes that every cluster has. */
import type { Pod, PodSpec } from "../kinds/core/pods/types.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";

const CLASSES: ReadonlyMap<string, number> = new Map([
  ["", 0],
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000],
]);

const PREEMPTION_POLICY = "PreemptLowerPriority";

export function createPriority(): AdmissionPlugin {
  return {
    name: "Priority",
    mutate(attributes) {
      const spec = podOf(attributes)?.spec;
      if (!spec) return;
      if (attributes.operation === "CREATE") resolve(attributes, spec);
      else if (attributes.operation === "UPDATE") keep(spec, (attributes.oldObject as Pod | undefined)?.spec);
    },
  };
}

/** An update that leaves out what was resolved means no change; validation refuses any other. */
function keep(spec: PodSpec, old: PodSpec | undefined): void {
  if (spec.priority === undefined && old?.priority !== undefined) spec.priority = old.priority;
  if (spec.preemptionPolicy === undefined && old?.preemptionPolicy !== undefined) {
    spec.preemptionPolicy = old.preemptionPolicy;
  }
}

function resolve(attributes: AdmissionAttributes, spec: PodSpec): void {
  const name = spec.priorityClassName ?? "";
  const priority = CLASSES.get(name);
  if (priority === undefined) throw refused(attributes, `no PriorityClass with name ${name} was found`);
  if (spec.priority !== undefined && spec.priority !== priority) {
    throw refused(
      attributes,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
    );
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== PREEMPTION_POLICY) {
    throw refused(
      attributes,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${PREEMPTION_POLICY} from the given PriorityClass name`,
    );
  }
  spec.priority = priority;
  spec.preemptionPolicy = PREEMPTION_POLICY;
}
