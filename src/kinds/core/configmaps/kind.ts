import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { ConfigMap } from "./types.ts";
import { validateConfigMap, validateConfigMapUpdate } from "./validation.ts";

export const configMapKind = defineKind<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
  schema: "io.k8s.api.core.v1.ConfigMap",
  shortNames: ["cm"],
  columns: [
    nameColumn,
    {
      name: "Data",
      type: "string",
      description: "How many keys there are.",
      value: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    },
    ageColumn,
  ],
  strategy: { countsGenerations: false, validate: validateConfigMap, validateUpdate: validateConfigMapUpdate },
});
