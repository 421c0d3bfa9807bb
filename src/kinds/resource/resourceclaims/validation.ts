/** Claims and what is allocated to them: pkg/apis/resource/validation of Kubernetes. */
import { interfaceAddressFaults } from "../../../machinery/ip-range.ts";
import { byteLength } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateConditions } from "../../../machinery/validate-conditions.ts";
import { invalidFor, tooManyError, validateOneOf } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { validateNodeSelector } from "../../core/pods/validation/scheduling.ts";
import { immutableErrors } from "../../immutable.ts";
import {
  bindingErrors,
  configurationErrors,
  driverErrors,
  eachOf,
  labelErrors,
  poolErrors,
  rawErrors,
  shareErrors,
  tolerationErrors,
} from "../parts.ts";
import { CONFIG_MAX, referenceErrors, requestNameErrors, requestNames } from "../requests.ts";
import type { AllocatedDevice, Allocation, Consumer, DeviceResult, ResourceClaim } from "../types.ts";

const CONSUMERS_MAX = 256;
const RESULTS_MAX = 32;
const CONDITIONS_MAX = 8;
const DATA_BYTES_MAX = 10 * 1024;
const ADDRESSES_MAX = 16;
const INTERFACE_BYTES_MAX = 256;
const HARDWARE_BYTES_MAX = 128;
const SOURCES = ["FromClaim", "FromClass"];

export function validateClaimUpdate(
  now: ResourceClaim,
  old: ResourceClaim,
  { subresource }: StrategyContext,
): FieldError[] {
  return subresource === "status" ? statusErrors(now, old) : immutableErrors(now.spec, old.spec, "spec");
}

function statusErrors(now: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { allocation, reservedFor = [], devices = [] } = now.status ?? {};
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceId));
  return [
    ...eachOf(reservedFor, { field: "status.reservedFor", max: CONSUMERS_MAX, key: ({ uid }) => uid }, consumerErrors),
    ...eachOf(devices, { field: "status.devices", key: deviceId }, (device, field) =>
      deviceErrors(device, field, allocated),
    ),
    ...reservationErrors(now, old),
    ...allocationErrors(now, old),
  ];
}

function consumerErrors({ resource, name, uid }: Consumer, field: string): FieldError[] {
  return Object.entries({ resource, name, uid }).flatMap(([member, value]) =>
    value ? [] : [fieldError.required(`${field}.${member}`)],
  );
}

function reservationErrors({ metadata, status }: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { allocation, reservedFor = [] } = status ?? {};
  const at = "status.reservedFor";
  if (reservedFor.length === 0) return [];
  if (!allocation) return [fieldError.forbidden(at, "may not be specified when `allocated` is not set")];
  if (metadata.deletionTimestamp === undefined) return [];
  const known = new Set((old.status?.reservedFor ?? []).map(consumerId));
  if (reservedFor.every((one) => known.has(consumerId(one)))) return [];
  const why = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
  return [fieldError.forbidden(at, why)];
}

function consumerId({ apiGroup = "", resource, name, uid }: Consumer): string {
  return [apiGroup, resource, name, uid].join("/");
}

function allocationErrors({ spec, status }: ResourceClaim, old: ResourceClaim): FieldError[] {
  const [allocation, before] = [status?.allocation, old.status?.allocation];
  const at = "status.allocation";
  if (!allocation) return [];
  // What is stored was valid when it came.
  if (before) return immutableErrors(allocation, before, at);
  return newAllocationErrors(allocation, requestNames(spec.devices ?? {}), at);
}

function newAllocationErrors(
  { devices = {}, nodeSelector }: Allocation,
  known: ReadonlySet<string>,
  field: string,
): FieldError[] {
  const at = `${field}.devices`;
  return [
    ...eachOf(devices.results ?? [], { field: `${at}.results`, max: RESULTS_MAX }, (result, where) =>
      resultErrors(result, known, where),
    ),
    // Of the class and of the claim.
    ...eachOf(devices.config ?? [], { field: `${at}.config`, max: 2 * CONFIG_MAX }, (config, where) => [
      ...validateOneOf(config.source, `${where}.source`, SOURCES),
      ...referenceErrors(config.requests ?? [], known, `${where}.requests`),
      ...configurationErrors(config, where),
    ]),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, `${field}.nodeSelector`) : []),
  ];
}

function resultErrors(result: DeviceResult, known: ReadonlySet<string>, field: string): FieldError[] {
  const { request, tolerations = [], shareID } = result;
  return [
    ...requestNameErrors(request, known, `${field}.request`),
    ...placeErrors(result, field),
    ...bindingErrors(result, field),
    ...eachOf(tolerations, { field: `${field}.tolerations` }, tolerationErrors),
    ...(shareID === undefined ? [] : shareErrors(shareID, `${field}.shareID`)),
  ];
}

type Place = Pick<AllocatedDevice, "driver" | "pool" | "device" | "shareID">;

function placeErrors({ driver, pool, device }: Place, field: string): FieldError[] {
  return [
    ...driverErrors(driver, `${field}.driver`),
    ...poolErrors(pool, `${field}.pool`),
    ...labelErrors(device, `${field}.device`),
  ];
}

function deviceId({ driver, pool, device, shareID }: Place): string {
  return [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join("/");
}

function deviceErrors(device: AllocatedDevice, field: string, allocated: ReadonlySet<string>): FieldError[] {
  const { shareID, conditions = [], data } = device;
  const errors = placeErrors(device, field);
  if (shareID !== undefined) errors.push(...shareErrors(shareID, `${field}.shareID`));
  const id = deviceId(device);
  if (!allocated.has(id)) errors.push(fieldError.invalid(field, id, "must be an allocated device in the claim"));
  const at = `${field}.conditions`;
  if (conditions.length > CONDITIONS_MAX) errors.push(tooManyError(at, conditions.length, CONDITIONS_MAX));
  errors.push(...validateConditions(conditions, at));
  if (data !== undefined) errors.push(...rawErrors(data, `${field}.data`, DATA_BYTES_MAX));
  return [...errors, ...networkErrors(device.networkData ?? {}, `${field}.networkData`)];
}

function networkErrors(
  { interfaceName = "", hardwareAddress = "", ips = [] }: NonNullable<AllocatedDevice["networkData"]>,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (byteLength(interfaceName) > INTERFACE_BYTES_MAX) {
    errors.push(fieldError.tooLong(`${field}.interfaceName`, INTERFACE_BYTES_MAX));
  }
  if (byteLength(hardwareAddress) > HARDWARE_BYTES_MAX) {
    errors.push(fieldError.tooLong(`${field}.hardwareAddress`, HARDWARE_BYTES_MAX));
  }
  const rules = { field: `${field}.ips`, max: ADDRESSES_MAX, key: (address: string) => address };
  return [
    ...errors,
    ...eachOf(ips, rules, (address, where) => invalidFor(where, address, interfaceAddressFaults(address))),
  ];
}
