import { fieldError } from "../../../machinery/status-error.ts";
import { defineKind } from "../../../registry/kind.ts";
import { isExtendedResource } from "../../core/pods/validation/resource-names.ts";
import { deviceEnvironment } from "../device-expressions.ts";
import { configurationErrors, eachOf } from "../parts.ts";
import { CONFIG_MAX, selectorErrors } from "../requests.ts";
import type { DeviceClass } from "../types.ts";

export const deviceClassKind = defineKind<DeviceClass>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "DeviceClass",
  plural: "deviceclasses",
  namespaced: false,
  schema: "io.k8s.api.resource.v1.DeviceClass",
  strategy: {
    validate: ({ spec: { selectors = [], config = [], extendedResourceName: name } }) => [
      ...selectorErrors(selectors, "spec.selectors", deviceEnvironment()),
      ...eachOf(config, { field: "spec.config", max: CONFIG_MAX }, configurationErrors),
      ...(name === undefined || isExtendedResource(name)
        ? []
        : [fieldError.invalid("spec.extendedResourceName", name, "must be a valid extended resource name")]),
    ],
  },
});
