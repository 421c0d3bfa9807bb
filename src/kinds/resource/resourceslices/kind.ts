import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import type { ResourceSlice } from "../types.ts";
import { sliceErrors } from "./validation.ts";

export const resourceSliceKind = defineKind<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  namespaced: false,
  schema: "io.k8s.api.resource.v1.ResourceSlice",
  answersDeleted: true,
  columns: [
    nameColumn,
    text("Node", "The node that has the devices.", ({ spec }) => spec.nodeName ?? ""),
    text("Driver", "Whose devices they are.", ({ spec }) => spec.driver),
    text("Pool", "The pool they belong to.", ({ spec }) => spec.pool.name),
    ageColumn,
  ],
  strategy: {
    validateCreate: (slice) => sliceErrors(slice),
    validateUpdate: (now, old) => sliceErrors(now, old),
    fields: ({ spec }) => ({ "spec.nodeName": spec.nodeName ?? "", "spec.driver": spec.driver ?? "" }),
  },
});
