import { parseApiVersion } from "../../../machinery/gvk.ts";
import { controllerOf } from "../../../machinery/meta.ts";
import { fieldError } from "../../../machinery/status-error.ts";
import { validateNonnegative } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { countText, text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import type { ControllerRevision } from "./types.ts";

export const controllerRevisionKind = defineKind<ControllerRevision>({
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  namespaced: true,
  schema: "io.k8s.api.apps.v1.ControllerRevision",
  columns: [
    nameColumn,
    text("Controller", "What it is a revision of.", controllerCell),
    countText("Revision", "Newer ones have higher numbers.", ({ revision }) => revision ?? 0),
    ageColumn,
  ],
  strategy: {
    countsGenerations: false,
    validate: ({ data, revision }) => [
      ...(data === undefined ? [fieldError.required("data", "data is mandatory")] : []),
      ...validateNonnegative(revision, "revision"),
    ],
    validateUpdate: (now, old) => immutableErrors(now.data, old.data, "data"),
  },
});

/** "statefulset.apps/web" */
function controllerCell({ metadata }: ControllerRevision): string {
  const owner = controllerOf(metadata);
  if (!owner) return "<none>";
  const { group } = parseApiVersion(owner.apiVersion);
  const kind = group === "" ? owner.kind : `${owner.kind}.${group}`;
  return `${kind.toLowerCase()}/${owner.name}`;
}
