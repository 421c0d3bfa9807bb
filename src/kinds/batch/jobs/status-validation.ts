/** What the status of a Job may say: validateJobStatus of pkg/apis/batch/validation of Kubernetes, as for Jobs of its own controller. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidWithoutValue, validateNonnegatives } from "../../../machinery/validation.ts";
import { countIndexes, overlap } from "./indexes.ts";
import { hasCondition, type Job, type JobStatus } from "./types.ts";

export function validateJobStatus(now: Job, old: Job): FieldError[] {
  return [
    ...validateNonnegatives(now.status, "status", ["active", "succeeded", "failed", "ready", "terminating"]),
    ...uncountedErrors(now.status ?? {}),
    ...conditionErrors(now),
    ...timeErrors(now),
    ...finishedErrors(now.status ?? {}),
    ...indexErrors(now),
    ...transitionErrors(now, old),
  ];
}

function uncountedErrors({ uncountedTerminatedPods: uncounted }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  return (["succeeded", "failed"] as const).flatMap((list) =>
    (uncounted?.[list] ?? []).flatMap((uid, index) => {
      const at = `status.uncountedTerminatedPods.${list}[${index}]`;
      if (uid === "") return [fieldError.invalid(at, uid, "must not be empty")];
      if (seen.has(uid)) return [fieldError.duplicate(at, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function conditionErrors({ spec, status }: Job): FieldError[] {
  const has = (type: string) => hasCondition(status, type);
  const rules: readonly (readonly [boolean, string])[] = [
    [has("Complete") && has("Failed"), "cannot set Complete=True and Failed=true conditions"],
    [has("Complete") && has("FailureTarget"), "cannot set Complete=True and FailureTarget=true conditions"],
    [
      has("Failed") && !has("FailureTarget"),
      "cannot set Failed=True condition without the FailureTarget=true condition",
    ],
    [
      has("Complete") && !has("SuccessCriteriaMet"),
      "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    ],
    [has("SuccessCriteriaMet") && has("Failed"), "cannot set SuccessCriteriaMet=True and Failed=true conditions"],
    [
      has("SuccessCriteriaMet") && has("FailureTarget"),
      "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
    ],
    [
      spec.successPolicy !== undefined && !has("SuccessCriteriaMet") && has("Complete"),
      "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, why]) => invalidWithoutValue("status.conditions", why));
}

function timeErrors({ status = {} }: Job): FieldError[] {
  const { startTime, completionTime } = status;
  const complete = hasCondition(status, "Complete");
  const field = "status.completionTime";
  const errors: FieldError[] = [];
  if (completionTime !== undefined && !complete) {
    const why = "cannot set completionTime when there is no Complete=True condition";
    errors.push(fieldError.invalid(field, completionTime, why));
  }
  if (completionTime === undefined && complete) {
    errors.push(fieldError.required(field, "completionTime is required for Complete jobs"));
  }
  if (startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)) {
    errors.push(fieldError.invalid(field, completionTime, "completionTime cannot be set before startTime"));
  }
  return errors;
}

function finishedErrors(status: JobStatus): FieldError[] {
  const { active = 0, terminating = 0, ready, startTime, uncountedTerminatedPods: uncounted } = status;
  const errors: FieldError[] = [];
  if (ready !== undefined && ready > active) {
    errors.push(fieldError.invalid("status.ready", ready, "cannot set more ready pods than active"));
  }
  if (!hasCondition(status, "Complete") && !hasCondition(status, "Failed")) return errors;
  if (active > 0) errors.push(fieldError.invalid("status.active", active, "active>0 is invalid for finished job"));
  if (startTime === undefined) {
    errors.push(fieldError.required("status.startTime", "startTime is required for finished job"));
  }
  if ((uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0) > 0) {
    const why = "uncountedTerminatedPods needs to be empty for finished job";
    errors.push(fieldError.invalid("status.uncountedTerminatedPods", uncounted, why));
  }
  if (terminating > 0) {
    errors.push(fieldError.invalid("status.terminating", terminating, "terminating>0 is invalid for finished job"));
  }
  return errors;
}

function indexErrors({ spec, status = {} }: Job): FieldError[] {
  const { completedIndexes = "", failedIndexes } = status;
  const { completions, backoffLimitPerIndex } = spec;
  const errors: FieldError[] = [];
  if (completions !== undefined) {
    errors.push(...formatErrors(completedIndexes, completions, "completedIndexes"));
    if (backoffLimitPerIndex !== undefined && failedIndexes !== undefined) {
      errors.push(...formatErrors(failedIndexes, completions, "failedIndexes"));
    }
  }
  if (completedIndexes !== "" && spec.completionMode !== "Indexed") {
    const why = "cannot set non-empty completedIndexes when non-indexed completion mode";
    errors.push(fieldError.invalid("status.completedIndexes", completedIndexes, why));
  }
  if (failedIndexes === undefined) return errors;
  if (backoffLimitPerIndex === undefined) {
    const why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
    errors.push(fieldError.invalid("status.failedIndexes", failedIndexes, why));
  }
  const shared = completions === undefined ? undefined : overlap(completedIndexes, failedIndexes, completions);
  if (shared !== undefined) {
    const why = `failedIndexes and completedIndexes overlap at index: ${shared}`;
    errors.push(fieldError.invalid("status.failedIndexes", failedIndexes, why));
  }
  return errors;
}

function formatErrors(text: string, completions: number, name: string): FieldError[] {
  try {
    countIndexes(text, completions);
    return [];
  } catch (error) {
    return [fieldError.invalid(`status.${name}`, text, `error parsing ${name}: ${(error as Error).message}`)];
  }
}

function transitionErrors(now: Job, old: Job): FieldError[] {
  const { status = {} } = now;
  const { status: before = {} } = old;
  const errors = ["Failed", "Complete", "FailureTarget"]
    .filter((type) => hasCondition(before, type) && !hasCondition(status, type))
    .map((type) => invalidWithoutValue("status.conditions", `cannot disable the terminal ${type}=True condition`));
  for (const name of ["failed", "succeeded"] as const) {
    const count = status[name] ?? 0;
    if (count < (before[name] ?? 0)) {
      errors.push(fieldError.invalid(`status.${name}`, count, `cannot decrease the ${name} counter`));
    }
  }
  const { completionTime, startTime } = status;
  if (completionTime !== undefined && before.completionTime !== undefined && completionTime !== before.completionTime) {
    errors.push(fieldError.invalid("status.completionTime", completionTime, "completionTime cannot be mutated"));
  }
  if (before.startTime !== undefined && startTime !== before.startTime && now.spec.suspend !== true) {
    errors.push(fieldError.required("status.startTime", "startTime cannot be removed for unsuspended job"));
  }
  if (hasCondition(before, "SuccessCriteriaMet") && !hasCondition(status, "SuccessCriteriaMet")) {
    errors.push(invalidWithoutValue("status.conditions", "cannot disable the SuccessCriteriaMet=True condition"));
  }
  return errors;
}
