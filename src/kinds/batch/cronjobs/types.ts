/** CronJob (k8s.io/api/batch/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject, ObjectMeta } from "../../../machinery/meta.ts";
import type { ObjectReference } from "../../core/events/types.ts";
import type { JobSpec } from "../jobs/types.ts";

export const cronJobs: ResourceRef = { group: "batch", version: "v1", resource: "cronjobs", namespaced: true };

export interface CronJob extends KubeObject {
  spec: CronJobSpec;
  status?: { active?: ObjectReference[]; lastScheduleTime?: string; lastSuccessfulTime?: string };
}

export interface CronJobSpec {
  schedule: string;
  timeZone?: string;
  startingDeadlineSeconds?: number;
  concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
  suspend?: boolean;
  jobTemplate: { metadata?: ObjectMeta; spec: JobSpec };
  successfulJobsHistoryLimit?: number;
  failedJobsHistoryLimit?: number;
}
