import { createdColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { statusSubresource } from "../../subresources.ts";
import type { CustomResourceDefinition } from "./types.ts";
import { formatWarnings } from "./format-warnings.ts";
import { validateDefinitionUpdate, validateNewDefinition } from "./validation.ts";

const WEBHOOK_PORT = 443;

/** Stored and validated. Nobody serves what it defines yet, so none is ever Established. */
export const customResourceDefinitionKind = defineKind<CustomResourceDefinition>({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
  schema: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  columns: [nameColumn, createdColumn],
  subresources: [statusSubresource],
  strategy: {
    allowUnconditionalUpdate: false,
    default({ spec }) {
      const { names } = spec;
      if (names.kind) {
        names.singular ||= names.kind.toLowerCase();
        names.listKind ||= `${names.kind}List`;
      }
      spec.conversion ??= { strategy: "None" };
      const service = spec.conversion.webhook?.clientConfig?.service;
      if (service) service.port ??= WEBHOOK_PORT;
    },
    prepareForCreate(definition) {
      definition.status = {};
      rememberStorageVersion(definition);
    },
    prepareForUpdate(definition, _old, { subresource }) {
      if (subresource === "") rememberStorageVersion(definition);
    },
    validateCreate: validateNewDefinition,
    validateUpdate: validateDefinitionUpdate,
    warnings: formatWarnings,
  },
});

/** Every version that objects may be stored in is known, until somebody says that none is any more. */
function rememberStorageVersion(definition: CustomResourceDefinition): void {
  const storage = definition.spec.versions?.find((version) => version.storage)?.name;
  const stored = definition.status?.storedVersions ?? [];
  if (storage === undefined || stored.includes(storage)) return;
  definition.status = { ...definition.status, storedVersions: [...stored, storage] };
}
