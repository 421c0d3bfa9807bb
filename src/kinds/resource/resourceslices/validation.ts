/** Slices of a pool of devices: pkg/apis/resource/validation of Kubernetes. */
import { dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { validateNodeSelector } from "../../core/pods/validation/scheduling.ts";
import { immutableErrors } from "../../immutable.ts";
import { driverErrors, eachOf, poolErrors } from "../parts.ts";
import type { Device, ResourceSlice } from "../types.ts";
import { counterErrors, deviceErrors } from "./devices.ts";

const DEVICES_MAX = 128;
/** Where any of them has taints, counters or lists, which take more time. */
const ADVANCED_DEVICES_MAX = 64;
const COUNTER_SETS_MAX = 8;
const ONE_OF = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";

/** `old` is undefined for a new one. What a device keeps of it is not judged anew. */
export function sliceErrors({ spec }: ResourceSlice, old?: ResourceSlice): FieldError[] {
  const { driver, pool, devices = [], sharedCounters = [], perDeviceNodeSelection: perDevice = false } = spec;
  const errors = [...driverErrors(driver, "spec.driver"), ...poolOfErrors(pool, "spec.pool")];
  if (old) {
    errors.push(
      ...immutableErrors(pool.name, old.spec.pool.name, "spec.pool.name"),
      ...immutableErrors(driver, old.spec.driver, "spec.driver"),
      ...immutableErrors(spec.nodeName, old.spec.nodeName, "spec.nodeName"),
    );
  }
  errors.push(...placeErrors(spec));
  if (spec.sharedCounters && spec.devices) {
    errors.push(fieldError.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed"));
  }
  const before = new Map((old?.spec.devices ?? []).map((device) => [device.name, device]));
  const max = devices.some(isAdvanced) ? ADVANCED_DEVICES_MAX : DEVICES_MAX;
  return [
    ...errors,
    ...eachOf(devices, { field: "spec.devices", max, key: ({ name }) => name }, (device, field) =>
      deviceErrors(device, { old: before.get(device.name), perDevice, field }),
    ),
    ...eachOf(
      sharedCounters,
      { field: "spec.sharedCounters", max: COUNTER_SETS_MAX, key: ({ name }) => name },
      (set, at) => counterErrors(set, { name: set.name, as: "name", at }),
    ),
  ];
}

function isAdvanced({ taints = [], consumesCounters = [], attributes = {} }: Device): boolean {
  const lists = Object.values(attributes).some(
    ({ bools, ints, strings, versions }) => (bools ?? ints ?? strings ?? versions) !== undefined,
  );
  return taints.length > 0 || consumesCounters.length > 0 || lists;
}

function poolOfErrors(pool: ResourceSlice["spec"]["pool"], field: string): FieldError[] {
  const { name, generation, resourceSliceCount: count } = pool;
  const errors = poolErrors(name, `${field}.name`);
  if (count <= 0) errors.push(fieldError.invalid(`${field}.resourceSliceCount`, count, "must be greater than zero"));
  if (generation < 0) {
    errors.push(fieldError.invalid(`${field}.generation`, generation, "must be greater than or equal to zero"));
  }
  return errors;
}

function placeErrors(spec: ResourceSlice["spec"]): FieldError[] {
  const { nodeName, nodeSelector } = spec;
  const errors: FieldError[] = [];
  if (nodeName === "") {
    errors.push(fieldError.invalid("spec.nodeName", "", "must be either unset or set to a non-empty string"));
  } else if (nodeName) errors.push(...invalidFor("spec.nodeName", nodeName, dnsSubdomainFaults(nodeName)));
  if (nodeSelector) {
    errors.push(...validateNodeSelector(nodeSelector, "spec.nodeSelector"));
    const { nodeSelectorTerms: terms = [] } = nodeSelector;
    if (terms.length !== 1) {
      const why = "must have exactly one node selector term";
      errors.push(fieldError.invalid("spec.nodeSelector.nodeSelectorTerms", terms, why));
    }
  }
  for (const name of ["allNodes", "perDeviceNodeSelection"] as const) {
    if (spec[name] === false) {
      errors.push(fieldError.invalid(`spec.${name}`, false, "must be either unset or set to true"));
    }
  }
  const places = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"] as const;
  const set = places.filter((name) => spec[name]).map((name) => `\`${name}\``);
  if (set.length === 0) errors.push(fieldError.required("spec", ONE_OF));
  else if (set.length > 1) {
    errors.push(fieldError.invalid("spec", `{${set.join(", ")}}`, `${ONE_OF}, but multiple fields are set`));
  }
  return errors;
}
