import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import type { ResourceQuota } from "./types.ts";
import { validateQuota, validateQuotaUpdate } from "./validation.ts";

export const resourceQuotaKind = defineKind<ResourceQuota>({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  namespaced: true,
  schema: "io.k8s.api.core.v1.ResourceQuota",
  answersDeleted: true,
  shortNames: ["quota"],
  columns: [
    nameColumn,
    text("Request", "What is used, of what may be asked for.", (quota) => usage(quota, (name) => !isLimit(name))),
    text("Limit", "What is used, of what may be limited.", (quota) => usage(quota, isLimit)),
    ageColumn,
  ],
  subresources: [statusSubresource],
  strategy: {
    countsGenerations: false,
    prepareForCreate(quota) {
      quota.status = {};
    },
    validate: validateQuota,
    validateUpdate: validateQuotaUpdate,
  },
});

function isLimit(name: string): boolean {
  return name.startsWith("limits.");
}

function usage({ status }: ResourceQuota, shown: (name: string) => boolean): string {
  return Object.entries(status?.hard ?? {})
    .filter(([name]) => shown(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${status?.used?.[name] ?? "0"}/${hard}`)
    .join(", ");
}
