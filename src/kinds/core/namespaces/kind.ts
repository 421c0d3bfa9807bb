import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { statusSubresource } from "../../subresources.ts";
import { KUBERNETES_FINALIZER, METADATA_NAME_LABEL, type Namespace } from "./types.ts";

export const namespaceKind = defineKind<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
  schema: "io.k8s.api.core.v1.Namespace",
  answersDeleted: true,
  shortNames: ["ns"],
  nameRule: "dns-label",
  // As in Kubernetes there is no deletecollection of namespaces.
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  columns: [
    nameColumn,
    {
      name: "Status",
      type: "string",
      description: "The phase of the namespace.",
      value: ({ status }) => status?.phase ?? "",
    },
    ageColumn,
  ],
  subresources: [statusSubresource, { name: "finalize", verbs: ["update"] }],
  strategy: {
    countsGenerations: false,
    default: labelWithName,
    prepareForCreate(namespace) {
      namespace.status = { phase: "Active" };
      const finalizers = namespace.spec?.finalizers ?? [];
      if (!finalizers.includes(KUBERNETES_FINALIZER)) {
        namespace.spec = { ...namespace.spec, finalizers: [...finalizers, KUBERNETES_FINALIZER] };
      }
      // A generated name is known only now.
      labelWithName(namespace);
    },
    prepareForUpdate(namespace, old, { subresource }) {
      // Only /finalize lets go of what holds a namespace.
      if (subresource === "" && old.spec?.finalizers) {
        namespace.spec = { ...namespace.spec, finalizers: [...old.spec.finalizers] };
      }
    },
    fields: ({ status }) => ({ "status.phase": status?.phase ?? "" }),
  },
});

function labelWithName(namespace: Namespace): void {
  const { name } = namespace.metadata;
  if (name) namespace.metadata.labels = { ...namespace.metadata.labels, [METADATA_NAME_LABEL]: name };
}
