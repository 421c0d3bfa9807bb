import { humanDuration } from "../../../machinery/human-duration.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { selectorCell, text, wide } from "../../columns.ts";
import { templateColumns } from "../../core/pods/columns.ts";
import { statusSubresource } from "../../subresources.ts";
import { defaultJob, generateSelector } from "./defaults.ts";
import { hasCondition, type Job } from "./types.ts";
import { validateJob, validateJobUpdate } from "./validation.ts";

export const jobKind = defineKind<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  namespaced: true,
  schema: "io.k8s.api.batch.v1.Job",
  categories: ["all"],
  columns: [
    nameColumn,
    text("Status", "How the job is doing.", statusCell),
    text("Completions", "How many of its pods succeeded, of those that must.", completionsCell),
    text("Duration", "How long it took, or has taken until now.", durationCell),
    ageColumn,
    ...templateColumns<Job>(({ spec }) => spec.template.spec),
    wide(text("Selector", "Which pods belong to it.", ({ spec }) => selectorCell(spec.selector))),
  ],
  subresources: [statusSubresource],
  strategy: {
    default: defaultJob,
    prepareForCreate(job) {
      generateSelector(job);
      job.status = {};
    },
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    // Old clients do not expect its pods to go with it.
    dependents: "orphan",
    fields: ({ status }) => ({ "status.successful": String(status?.succeeded ?? 0) }),
    warnings: ({ metadata, spec }) =>
      spec.completionMode === "Indexed" && (metadata.name ?? "").includes(".")
        ? [
            `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]`,
          ]
        : [],
  },
});

function statusCell({ metadata, status }: Job): string {
  if (hasCondition(status, "Complete")) return "Complete";
  if (hasCondition(status, "Failed")) return "Failed";
  if (metadata.deletionTimestamp) return "Terminating";
  if (hasCondition(status, "Suspended")) return "Suspended";
  return hasCondition(status, "FailureTarget") ? "FailureTarget" : "Running";
}

function completionsCell({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationCell({ status }: Job, nowMs: number): string {
  const { startTime, completionTime } = status ?? {};
  if (!startTime) return "";
  return humanDuration((completionTime ? Date.parse(completionTime) : nowMs) - Date.parse(startTime));
}
