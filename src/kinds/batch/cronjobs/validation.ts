/** CronJob: pkg/apis/batch/validation of Kubernetes. */
import { isTimeZone, parseCron } from "../../../machinery/cron.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateNonnegatives, validateOneOf } from "../../../machinery/validation.ts";
import { validateJobSpec } from "../jobs/validation.ts";
import type { CronJob, CronJobSpec } from "./types.ts";

/** The controller adds eleven characters to make the name of a Job, which is a label value. */
const NAME_LENGTH_MAX = 52;

export function validateCronJob({ metadata, spec }: CronJob): FieldError[] {
  const name = metadata.name ?? "";
  const { selector, manualSelector } = spec.jobTemplate.spec;
  const template = "spec.jobTemplate.spec";
  const errors = [
    ...scheduleErrors(spec),
    ...validateNonnegatives(spec, "spec", ["startingDeadlineSeconds"]),
    ...zoneErrors(spec.timeZone, "spec.timeZone"),
    ...validateOneOf(spec.concurrencyPolicy, "spec.concurrencyPolicy", ["Allow", "Forbid", "Replace"]),
    ...validateJobSpec(spec.jobTemplate.spec, template),
  ];
  if (selector) errors.push(fieldError.invalid(`${template}.selector`, selector, "`selector` will be auto-generated"));
  if (manualSelector === true) {
    errors.push(fieldError.notSupported(`${template}.manualSelector`, manualSelector, ["nil", "false"]));
  }
  errors.push(...validateNonnegatives(spec, "spec", ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"]));
  if (name.length > NAME_LENGTH_MAX) {
    errors.push(fieldError.invalid("metadata.name", name, `must be no more than ${NAME_LENGTH_MAX} characters`));
  }
  return errors;
}

function scheduleErrors({ schedule }: CronJobSpec): FieldError[] {
  if (!schedule) return [fieldError.required("spec.schedule")];
  const errors: FieldError[] = [];
  try {
    parseCron(schedule);
  } catch (error) {
    errors.push(fieldError.invalid("spec.schedule", schedule, (error as Error).message));
  }
  if (schedule.includes("TZ")) {
    const why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
    errors.push(fieldError.invalid("spec.schedule", schedule, why));
  }
  return errors;
}

function zoneErrors(zone: string | undefined, field: string): FieldError[] {
  if (zone === undefined) return [];
  if (zone === "") return [fieldError.invalid(field, zone, "timeZone must be nil or non-empty string")];
  const isPath = zone.split("/").every((part) => /^(?!-|\.{1,2}$)[A-Za-z._0-9+-]{1,14}$/.test(part));
  if (!isPath) return [fieldError.invalid(field, zone, `unknown time zone ${zone}`)];
  if (zone.toLowerCase() === "local") {
    const why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    return [fieldError.invalid(field, zone, why)];
  }
  return isTimeZone(zone) ? [] : [fieldError.invalid(field, zone, `unknown time zone ${zone}`)];
}
