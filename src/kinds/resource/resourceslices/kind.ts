import { dnsLabelFaults, dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, tooManyError, validateNonnegative } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { validateNodeSelector } from "../../core/pods/validation/scheduling.ts";
import { immutableErrors } from "../../immutable.ts";
import { uniqueErrors } from "../requests.ts";
import type { ResourceSlice } from "../types.ts";

const DEVICES_MAX = 128;
const ONE_OF = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";

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
    text("Node", "The node that has the devices.", ({ spec }) => spec.nodeName || "<unset>"),
    text("Driver", "Whose devices they are.", ({ spec }) => spec.driver),
    text("Pool", "The pool they belong to.", ({ spec }) => spec.pool.name),
    ageColumn,
  ],
  strategy: {
    validate: validateSlice,
    validateUpdate: (now, old) => [
      ...immutableErrors(now.spec.nodeName, old.spec.nodeName, "spec.nodeName"),
      ...immutableErrors(now.spec.driver, old.spec.driver, "spec.driver"),
      ...immutableErrors(now.spec.pool.name, old.spec.pool.name, "spec.pool.name"),
    ],
    fields: ({ spec }) => ({ "spec.nodeName": spec.nodeName ?? "", "spec.driver": spec.driver ?? "" }),
  },
});

/** pkg/apis/resource/validation of Kubernetes. */
function validateSlice({ spec }: ResourceSlice): FieldError[] {
  const {
    driver,
    pool,
    nodeName,
    nodeSelector,
    allNodes,
    perDeviceNodeSelection,
    devices = [],
    sharedCounters = [],
  } = spec;
  const errors = driver
    ? invalidFor("spec.driver", driver, dnsSubdomainFaults(driver))
    : [fieldError.required("spec.driver")];
  errors.push(...poolErrors(pool, "spec.pool"));
  if (nodeName !== undefined) {
    if (nodeName === "")
      errors.push(fieldError.invalid("spec.nodeName", "", "must be either unset or set to a non-empty string"));
    else errors.push(...invalidFor("spec.nodeName", nodeName, dnsSubdomainFaults(nodeName)));
  }
  if (nodeSelector) {
    errors.push(...validateNodeSelector(nodeSelector, "spec.nodeSelector"));
    const { nodeSelectorTerms: terms = [] } = nodeSelector;
    if (terms.length !== 1) {
      const why = "must have exactly one node selector term";
      errors.push(fieldError.invalid("spec.nodeSelector.nodeSelectorTerms", terms, why));
    }
  }
  const places = [nodeName, nodeSelector, allNodes, perDeviceNodeSelection].filter(Boolean).length;
  if (places === 0) errors.push(fieldError.required("spec", ONE_OF));
  else if (places > 1) errors.push(fieldError.invalid("spec", spec, `${ONE_OF}, but multiple fields are set`));
  if (devices.length > DEVICES_MAX) errors.push(tooManyError("spec.devices", devices.length, DEVICES_MAX));
  devices.forEach(({ name }, index) =>
    errors.push(...invalidFor(`spec.devices[${index}].name`, name, dnsLabelFaults(name))),
  );
  return [...errors, ...uniqueErrors(devices, "spec.devices"), ...uniqueErrors(sharedCounters, "spec.sharedCounters")];
}

function poolErrors(
  { name, generation, resourceSliceCount }: ResourceSlice["spec"]["pool"],
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${field}.name`));
  else for (const part of name.split("/")) errors.push(...invalidFor(`${field}.name`, part, dnsSubdomainFaults(part)));
  if (resourceSliceCount <= 0) {
    errors.push(fieldError.invalid(`${field}.resourceSliceCount`, resourceSliceCount, "must be greater than zero"));
  }
  return [...errors, ...validateNonnegative(generation, `${field}.generation`)];
}
