/** Defaults of Jobs, and the selector they get: pkg/apis/batch/v1/defaults.go and pkg/registry/batch/job of Kubernetes. */
import { defaultPodSpec } from "../../core/pods/defaults.ts";
import {
  CONTROLLER_UID_LABEL,
  JOB_NAME_LABEL,
  OLD_CONTROLLER_UID_LABEL,
  OLD_JOB_NAME_LABEL,
  type Job,
  type JobSpec,
} from "./types.ts";

const BACKOFF_LIMIT = 6;
/** Where each index has a limit of its own, there is none for all. */
const NO_LIMIT = 2 ** 31 - 1;

/** Changes its argument. */
export function defaultJob({ metadata, spec }: Job): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : NO_LIMIT;
  const { labels } = spec.template.metadata ?? {};
  // The very same labels, as in Kubernetes: those that are generated for its pods become its own, too.
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = labels;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
  spec.manualSelector ??= false;
  defaultJobParts(spec);
}

/** What the template of a CronJob gets, too. */
export function defaultJobParts(spec: JobSpec): void {
  for (const { onPodConditions } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions ?? []) pattern.status ||= "True";
  }
  defaultPodSpec(spec.template.spec);
}

/** A Job finds its pods by its uid, unless somebody wants to choose himself. Changes its argument. */
export function generateSelector({ metadata, spec }: Job): void {
  if (spec.manualSelector === true) return;
  const { name = "", uid = "" } = metadata;
  const given = spec.template.metadata?.labels;
  // What is there already stays; validation refuses what is wrong.
  const labels = {
    [CONTROLLER_UID_LABEL]: uid,
    [JOB_NAME_LABEL]: name,
    [OLD_CONTROLLER_UID_LABEL]: uid,
    [OLD_JOB_NAME_LABEL]: name,
    ...given,
  };
  if (metadata.labels === given || Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  spec.template.metadata = { ...spec.template.metadata, labels };
  spec.selector = {
    ...spec.selector,
    matchLabels: { [CONTROLLER_UID_LABEL]: uid, ...spec.selector?.matchLabels },
  };
}
