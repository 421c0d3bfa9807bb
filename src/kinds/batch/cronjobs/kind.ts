import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { count, selectorCell, sinceCell, text, wide } from "../../columns.ts";
import { templateColumns } from "../../core/pods/columns.ts";
import { statusSubresource } from "../../subresources.ts";
import { defaultJobParts } from "../jobs/defaults.ts";
import type { CronJob } from "./types.ts";
import { validateCronJob } from "./validation.ts";

export const cronJobKind = defineKind<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  namespaced: true,
  schema: "io.k8s.api.batch.v1.CronJob",
  shortNames: ["cj"],
  categories: ["all"],
  columns: [
    nameColumn,
    text("Schedule", "When it runs.", ({ spec }) => spec.schedule),
    text("Timezone", "Where the schedule's clock is.", ({ spec }) => spec.timeZone ?? "<none>"),
    // Of type boolean, though Kubernetes writes it as a word.
    { ...text("Suspend", "Whether it is held.", ({ spec }) => (spec.suspend ? "True" : "False")), type: "boolean" },
    count("Active", "How many of its jobs run.", ({ status }) => status?.active?.length ?? 0),
    text("Last Schedule", "When it ran last.", ({ status }, nowMs) =>
      status?.lastScheduleTime ? sinceCell(status.lastScheduleTime, nowMs) : "<none>",
    ),
    ageColumn,
    ...templateColumns<CronJob>(({ spec }) => spec.jobTemplate.spec.template.spec),
    wide(
      text("Selector", "Which pods belong to its jobs.", ({ spec }) => selectorCell(spec.jobTemplate.spec.selector)),
    ),
  ],
  subresources: [statusSubresource],
  strategy: {
    default: defaultCronJob,
    prepareForCreate(job) {
      job.status = {};
    },
    validate: validateCronJob,
  },
});

/** pkg/apis/batch/v1/defaults.go of Kubernetes. */
function defaultCronJob({ spec }: CronJob): void {
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  defaultJobParts(spec.jobTemplate.spec);
}
