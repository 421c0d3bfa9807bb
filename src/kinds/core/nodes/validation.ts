/** Node: pkg/apis/core/validation of Kubernetes. */
import { labelValueFaults, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateOneOf } from "../../../machinery/validation.ts";
import { TAINT_EFFECTS } from "../pods/validation/scheduling.ts";
import type { Node } from "./types.ts";

export function validateNode({ spec, status }: Node): FieldError[] {
  return [...taintErrors(spec), ...addressErrors(status)];
}

function taintErrors({ taints = [] }: Node["spec"]): FieldError[] {
  const pairs = new Set<string>();
  return taints.flatMap(({ key, value, effect }, index) => {
    const at = `spec.taints[${index}]`;
    const errors = invalidFor(`${at}.key`, key, qualifiedNameFaults(key));
    const faults = labelValueFaults(value ?? "").join(";");
    if (faults !== "") errors.push(fieldError.invalid(`${at}.value`, value, faults));
    errors.push(...validateOneOf(effect, `${at}.effect`, TAINT_EFFECTS));
    const pair = `${key}=:${effect}`;
    if (pairs.has(pair)) {
      errors.push({
        ...fieldError.duplicate(at, { key, value, effect }),
        message: `Duplicate value: ${JSON.stringify({ key, value, effect })}: taints must be unique by key and effect pair`,
      });
    }
    pairs.add(pair);
    return errors;
  });
}

function addressErrors(status: Node["status"]): FieldError[] {
  const seen = new Set<string>();
  return (status?.addresses ?? []).flatMap((address, index) => {
    const key = `${address.type}/${address.address}`;
    const repeated = seen.has(key);
    seen.add(key);
    return repeated ? [fieldError.duplicate(`status.addresses[${index}]`, address)] : [];
  });
}

/** Once given, a node's provider and its pods' addresses stay. */
export function validateNodeUpdate({ spec }: Node, { spec: old }: Node): FieldError[] {
  const errors: FieldError[] = [];
  const before = old.podCIDRs ?? [];
  const now = spec.podCIDRs ?? [];
  if (before.length > 0 && (now.length !== before.length || now.some((cidr, index) => cidr !== before[index]))) {
    errors.push(fieldError.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.providerID && old.providerID !== spec.providerID) {
    errors.push(
      fieldError.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'),
    );
  }
  return errors;
}
