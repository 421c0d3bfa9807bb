import { byteLength, dnsSubdomainFaults, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateNonnegative } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { count } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import type { CsiNode, CsiNodeDriver } from "../types.ts";

const NODE_ID_BYTES_MAX = 256;
const DRIVER_NAME_BYTES_MAX = 63;

export const csiNodeKind = defineKind<CsiNode>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSINode",
  plural: "csinodes",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.CSINode",
  answersDeleted: true,
  columns: [
    nameColumn,
    count("Drivers", "How many drivers the node has.", ({ spec }) => spec.drivers?.length ?? 0),
    ageColumn,
  ],
  strategy: {
    countsGenerations: false,
    allowUnconditionalUpdate: false,
    validate: ({ spec }) => driverErrors(spec.drivers ?? [], "spec.drivers"),
    validateUpdate: (now, old) =>
      (old.spec.drivers ?? []).flatMap(({ allocatable: _count, ...before }) => {
        const driver = (now.spec.drivers ?? []).find(({ name }) => name === before.name);
        if (!driver) return [];
        const { allocatable: _now, ...after } = driver;
        return immutableErrors(after, before, "spec.drivers");
      }),
  },
});

/** pkg/apis/storage/validation of Kubernetes. */
function driverErrors(drivers: readonly CsiNodeDriver[], field: string): FieldError[] {
  const names = new Set<string>();
  return drivers.flatMap(({ name, nodeID, allocatable, topologyKeys }, index) => {
    const at = `${field}[${index}]`;
    const errors = nameErrors(name, `${at}.name`);
    if (!nodeID) errors.push(fieldError.required(`${at}.nodeID`));
    else if (byteLength(nodeID) > NODE_ID_BYTES_MAX) {
      errors.push(fieldError.invalid(`${at}.nodeID`, nodeID, `must be ${NODE_ID_BYTES_MAX} characters or less`));
    }
    errors.push(...validateNonnegative(allocatable?.count, `${at}.allocatable.count`));
    if (names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
    names.add(name);
    const keys = new Set<string>();
    for (const key of topologyKeys ?? []) {
      if (key === "") errors.push(fieldError.required(at));
      if (keys.has(key)) errors.push(fieldError.duplicate(at, key));
      keys.add(key);
      errors.push(...invalidFor(at, key, qualifiedNameFaults(key)));
    }
    return errors;
  });
}

function nameErrors(name: string, field: string): FieldError[] {
  if (!name) return [fieldError.required(field)];
  const lower = name.toLowerCase();
  const errors = invalidFor(field, lower, dnsSubdomainFaults(lower));
  return name.length > DRIVER_NAME_BYTES_MAX ? [fieldError.tooLong(field, DRIVER_NAME_BYTES_MAX), ...errors] : errors;
}
