/** The devices of a slice: pkg/apis/resource/validation of Kubernetes. */
import { byteLength, dnsLabelFaults, dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, tooManyError } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { validateNodeSelector } from "../../core/pods/validation/scheduling.ts";
import { bindingErrors, deviceKeyErrors, eachOf, labelErrors, taintErrors } from "../parts.ts";
import type { Counters, Device, DeviceAttribute } from "../types.ts";
import { policyErrors } from "./request-policy.ts";

const MEMBERS_MAX = 32;
const ATTRIBUTE_VALUES_MAX = 48;
const VALUE_BYTES_MAX = 64;
const TAINTS_MAX = 16;
const CONSUMPTIONS_MAX = 2;
const COUNTERS_MAX = 32;
/** `<domain>/<id>` */
const KEY_BYTES_MAX = 63 + 1 + 32;
const PLACES =
  "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
const NO_PLACES =
  "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec";

/** `old`: the device of this name that is stored, whose members are not judged anew. */
export function deviceErrors(
  device: Device,
  { old, perDevice, field }: { old: Device | undefined; perDevice: boolean; field: string },
): FieldError[] {
  const { attributes = {}, capacity = {}, taints = [], consumesCounters = [] } = device;
  const errors = [...labelErrors(device.name, `${field}.name`), ...sizeErrors(device, field)];
  errors.push(...mapErrors(attributes, { field: `${field}.attributes` }, attributeErrors));
  if (!old || !sameJson(old.capacity, device.capacity)) {
    const shared = device.allowMultipleAllocations === true;
    errors.push(
      ...mapErrors(capacity, { field: `${field}.capacity` }, ({ value, requestPolicy: policy }, at) => {
        if (!policy) return [];
        if (shared) return policyErrors(policy, value, `${at}.requestPolicy`);
        return [fieldError.forbidden(`${at}.requestPolicy`, "allowMultipleAllocations must be true")];
      }),
    );
  }
  if (!old || !sameJson(old.taints, device.taints)) {
    errors.push(...eachOf(taints, { field: `${field}.taints`, max: TAINTS_MAX }, taintErrors));
  }
  const rules = {
    field: `${field}.consumesCounters`,
    max: CONSUMPTIONS_MAX,
    key: (one: { counterSet: string }) => one.counterSet,
  };
  errors.push(
    ...eachOf(consumesCounters, rules, (one, at) => counterErrors(one, { name: one.counterSet, as: "counterSet", at })),
  );
  return [...errors, ...placeErrors(device, perDevice, field), ...bindingErrors(device, field)];
}

function sizeErrors({ attributes = {}, capacity = {} }: Device, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const members = Object.keys(attributes).length + Object.keys(capacity).length;
  if (members > MEMBERS_MAX) {
    const why = `the total number of attributes and capacities must not exceed ${MEMBERS_MAX}`;
    errors.push(fieldError.invalid(field, members, why));
  }
  const values = Object.values(attributes).reduce((sum, one) => sum + Math.max(1, listed(one)), 0);
  if (values > ATTRIBUTE_VALUES_MAX) {
    const why = `the total number of attribute values must not exceed ${ATTRIBUTE_VALUES_MAX}`;
    errors.push(fieldError.invalid(field, values, why));
  }
  return errors;
}

function listed({ bools = [], ints = [], strings = [], versions = [] }: DeviceAttribute): number {
  return bools.length + ints.length + strings.length + versions.length;
}

/** Keys are at fault at the map, values at their key, of which the middle goes where it is long. */
function mapErrors<T>(
  map: Readonly<Record<string, T>>,
  { field, max, keyErrors = deviceKeyErrors }: MapRules,
  errorsOf: (value: T, field: string) => FieldError[],
): FieldError[] {
  const entries = Object.entries(map);
  if (max !== undefined && entries.length > max) return [tooManyError(field, entries.length, max)];
  return entries.flatMap(([key, value]) => [
    ...keyErrors(key, field),
    ...errorsOf(value, `${field}[${shortened(key, KEY_BYTES_MAX)}]`),
  ]);
}

interface MapRules {
  field: string;
  max?: number;
  keyErrors?: (key: string, field: string) => FieldError[];
}

function shortened(key: string, lengthMax: number): string {
  if (key.length <= lengthMax) return key;
  const left = lengthMax - 3;
  return `${key.slice(0, Math.floor((left + 1) / 2))}...${key.slice(key.length - Math.floor(left / 2))}`;
}

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

function attributeErrors(attribute: DeviceAttribute, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (attribute.string !== undefined) errors.push(...lengthErrors(attribute.string, `${field}.string`));
  if (attribute.version !== undefined) errors.push(...versionErrors(attribute.version, `${field}.version`));
  for (const name of ["bools", "ints", "strings", "versions"] as const) {
    const list = attribute[name];
    if (list?.length === 0) errors.push(fieldError.invalid(`${field}.${name}`, list, "must not be empty if specified"));
  }
  errors.push(...eachOf(attribute.strings ?? [], { field: `${field}.strings` }, lengthErrors));
  errors.push(...eachOf(attribute.versions ?? [], { field: `${field}.versions` }, versionErrors));
  const count = Object.values(attribute).filter((value) => value !== undefined && value !== null).length;
  if (count === 1) return errors;
  return [...errors, fieldError.invalid(field, count === 0 ? "" : attribute, "exactly one value must be specified")];
}

function lengthErrors(value: string, field: string): FieldError[] {
  return byteLength(value) > VALUE_BYTES_MAX ? [fieldError.tooLong(field, VALUE_BYTES_MAX)] : [];
}

function versionErrors(value: string, field: string): FieldError[] {
  const long = lengthErrors(value, field);
  // Nothing that long is a version that anybody could store.
  if (value.length <= KEY_BYTES_MAX && SEMVER.test(value)) return long;
  return [fieldError.invalid(field, value, "must be a string compatible with semver.org spec 2.0.0"), ...long];
}

function labelKeyErrors(key: string, field: string): FieldError[] {
  return invalidFor(field, key, dnsLabelFaults(key));
}

/** Of a set of counters, or of a device that consumes from one. */
export function counterErrors(
  { counters = {} }: Counters,
  { name, as, at }: { name: string; as: "name" | "counterSet"; at: string },
): FieldError[] {
  const errors = name ? labelErrors(name, `${at}.${as}`) : [fieldError.required(`${at}.${as}`)];
  if (Object.keys(counters).length === 0) return [...errors, fieldError.required(`${at}.counters`)];
  // Any quantity will do.
  return [
    ...errors,
    ...mapErrors(counters, { field: `${at}.counters`, max: COUNTERS_MAX, keyErrors: labelKeyErrors }, () => []),
  ];
}

function placeErrors(device: Device, perDevice: boolean, field: string): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!perDevice) {
    const none = nodeName === undefined && nodeSelector === undefined && allNodes === undefined;
    return none ? [] : [fieldError.invalid(field, null, NO_PLACES)];
  }
  const errors: FieldError[] = [];
  if (nodeName === "") errors.push(fieldError.invalid(`${field}.nodeName`, "", "must not be empty"));
  else if (nodeName) errors.push(...invalidFor(`${field}.nodeName`, nodeName, dnsSubdomainFaults(nodeName)));
  if (nodeSelector) errors.push(...validateNodeSelector(nodeSelector, `${field}.nodeSelector`));
  if (allNodes === false) {
    errors.push(fieldError.invalid(`${field}.allNodes`, false, "must be either unset or set to true"));
  }
  const set = Object.entries({ nodeName, nodeSelector, allNodes }).flatMap(([name, value]) => (value ? [name] : []));
  if (set.length === 0) errors.push(fieldError.required(field, PLACES));
  else if (set.length > 1)
    errors.push(fieldError.invalid(field, `{${set.map((name) => `\`${name}\``).join(", ")}}`, PLACES));
  return errors;
}
