import { fieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { text } from "../../columns.ts";
import { parameterErrors, provisionerErrors } from "../class-validation.ts";
import type { VolumeAttributesClass } from "../types.ts";

const DEFAULT_ANNOTATION = "storage.alpha.kubernetes.io/is-default-class";

export const volumeAttributesClassKind = defineKind<VolumeAttributesClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.VolumeAttributesClass",
  answersDeleted: true,
  shortNames: ["vac"],
  columns: [
    {
      ...nameColumn,
      value: ({ metadata }) =>
        `${metadata.name ?? ""}${metadata.annotations?.[DEFAULT_ANNOTATION] === "true" ? " (default)" : ""}`,
    },
    text("DriverName", "Whose volumes it is for.", ({ driverName }) => driverName),
    ageColumn,
  ],
  strategy: {
    countsGenerations: false,
    validate: ({ driverName, parameters = {} }) => [
      ...provisionerErrors(driverName, "driverName"),
      ...parameterErrors(parameters, "parameters"),
      ...(Object.keys(parameters).length === 0
        ? [fieldError.required("parameters", "must contain at least one key/value pair")]
        : []),
    ],
    validateUpdate: (now, old) =>
      (["driverName", "parameters"] as const)
        .filter((name) => !sameJson(now[name], old[name]))
        .map((name) => fieldError.forbidden(name, `updates to ${name} are forbidden.`)),
  },
});
