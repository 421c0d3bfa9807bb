import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { count, flag, text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import { SYSTEM_CLASSES, type PriorityClass } from "./types.ts";

const SYSTEM_PREFIX = "system-";
const VALUE_MAX = 1_000_000_000;
const PREEMPTION_POLICIES = ["Never", "PreemptLowerPriority"];

export const priorityClassKind = defineKind<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  namespaced: false,
  schema: "io.k8s.api.scheduling.v1.PriorityClass",
  shortNames: ["pc"],
  columns: [
    nameColumn,
    count("Value", "Higher ones go first.", ({ value }) => value),
    flag("Global-Default", "Whether pods without a class get this one.", ({ globalDefault }) => globalDefault === true),
    ageColumn,
    text("PreemptionPolicy", "Whether its pods push others out.", ({ preemptionPolicy }) => preemptionPolicy ?? ""),
  ],
  strategy: {
    default(priority) {
      priority.preemptionPolicy ||= "PreemptLowerPriority";
    },
    validate: validatePriorityClass,
    validateUpdate: (now, old) => [
      ...(now.value === old.value ? [] : [fieldError.forbidden("value", "may not be changed in an update.")]),
      ...immutableErrors(now.preemptionPolicy, old.preemptionPolicy, "preemptionPolicy"),
    ],
    forbidsDelete: ({ metadata }) =>
      SYSTEM_CLASSES.some((known) => known.metadata.name === metadata.name)
        ? "this is a system priority class and cannot be deleted"
        : undefined,
    fields: ({ globalDefault }) => ({ globalDefault: String(globalDefault === true) }),
  },
});

/** pkg/apis/scheduling/validation of Kubernetes. */
function validatePriorityClass(priority: PriorityClass): FieldError[] {
  const { metadata, value, preemptionPolicy } = priority;
  const errors: FieldError[] = [];
  if (metadata.name?.startsWith(SYSTEM_PREFIX)) {
    const fault = systemFault(priority);
    if (fault !== undefined) {
      const why = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${fault}`;
      errors.push(fieldError.forbidden("metadata.name", why));
    }
  } else if (value > VALUE_MAX) {
    errors.push(fieldError.forbidden("value", `maximum allowed value of a user defined priority is ${VALUE_MAX}`));
  }
  if (preemptionPolicy !== undefined && !PREEMPTION_POLICIES.includes(preemptionPolicy)) {
    errors.push(fieldError.notSupported("preemptionPolicy", preemptionPolicy, PREEMPTION_POLICIES));
  }
  return errors;
}

function systemFault({ metadata, value, globalDefault = false }: PriorityClass): string | undefined {
  const name = metadata.name ?? "";
  const known = SYSTEM_CLASSES.find((candidate) => candidate.metadata.name === name);
  if (!known) return `${name} is not a known system priority class`;
  if (value !== known.value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
