import { qualifiedNameFaults } from "../../../machinery/names.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { defineKind } from "../../../registry/kind.ts";
import { deviceEnvironment } from "../device-expressions.ts";
import { selectorErrors } from "../requests.ts";
import type { DeviceClass } from "../types.ts";

export const deviceClassKind = defineKind<DeviceClass>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "DeviceClass",
  plural: "deviceclasses",
  namespaced: false,
  schema: "io.k8s.api.resource.v1.DeviceClass",
  strategy: {
    validate: ({ spec: { selectors = [], extendedResourceName: name } }) => [
      ...selectorErrors(selectors, "spec.selectors", deviceEnvironment()),
      ...(name === undefined ? [] : invalidFor("spec.extendedResourceName", name, qualifiedNameFaults(name))),
    ],
  },
});
