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
  columns: [nameColumn, ageColumn],
  strategy: { countsGenerations: false },
  subresources: [
    {
      name: "token",
      body: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
      verbs: ["create"],
    },
  ],
});
