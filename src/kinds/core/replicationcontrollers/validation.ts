/** ReplicationController: pkg/apis/core/validation of Kubernetes. */
import { matchesLabels, requirementsOfMap } from "../../../machinery/selectors.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateNonnegative } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { validateAvailable, validateReplicaCounts } from "../pods/validation/replicas.ts";
import { validateLastingTemplate } from "../pods/validation/pod-spec.ts";
import type { ReplicationController } from "./types.ts";

export function validateReplicationController({ spec }: ReplicationController): FieldError[] {
  const { selector = {}, template } = spec;
  const errors = validateNonnegative(spec.minReadySeconds, "spec.minReadySeconds");
  const chooses = Object.keys(selector).length > 0;
  if (!chooses) errors.push(fieldError.required("spec.selector"));
  errors.push(...validateNonnegative(spec.replicas, "spec.replicas"));
  if (!template) return [...errors, fieldError.required("spec.template")];
  const labels = template.metadata?.labels;
  if (chooses && !matchesLabels(requirementsOfMap(selector), labels ?? {})) {
    const why = "`selector` does not match template `labels`";
    errors.push(fieldError.invalid("spec.template.metadata.labels", labels ?? null, why));
  }
  return [...errors, ...validateLastingTemplate(template, "spec.template", "ReplicationController")];
}

const STATUS_COUNTS = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];
const STATUS_PARTS = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];

export function validateReplicationControllerUpdate(
  { status }: ReplicationController,
  _old: ReplicationController,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource !== "status") return [];
  return [
    ...validateReplicaCounts(status, { counts: STATUS_COUNTS, parts: STATUS_PARTS }),
    ...validateAvailable(status),
  ];
}
