import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { ServiceAccount } from "./types.ts";

export const serviceAccountKind = defineKind<ServiceAccount>({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  namespaced: true,
  schema: "io.k8s.api.core.v1.ServiceAccount",
  answersDeleted: true,
  shortNames: ["sa"],
  columns: [
    nameColumn,
    {
      name: "Secrets",
      type: "string",
      description: "How many secrets pods of this account may use.",
      value: ({ secrets }) => secrets?.length ?? 0,
    },
    ageColumn,
  ],
  strategy: { countsGenerations: false },
  subresources: [
    {
      name: "token",
      body: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
      verbs: ["create"],
    },
  ],
});
