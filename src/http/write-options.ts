/** CreateOptions, UpdateOptions and PatchOptions of a query: k8s.io/apimachinery/pkg/apis/meta/v1/validation. */
import { fieldError, invalid, type FieldError } from "../machinery/status-error.ts";
import { byteLength } from "../machinery/names.ts";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

export interface WriteOptions {
  dryRun: boolean;
  /** As the client named itself; "" when it did not. */
  fieldManager: string;
  /** What becomes of unknown and duplicate fields. */
  fieldValidation: FieldValidation;
  /** Of an apply; undefined when it says nothing. */
  force: boolean | undefined;
}

const DEFAULTS: WriteOptions = { dryRun: false, fieldManager: "", fieldValidation: "Warn", force: undefined };

const FIELD_MANAGER_BYTES_MAX = 128;

/** What the options are called in messages, by HTTP method. */
const KINDS: Readonly<Record<string, string>> = { PUT: "UpdateOptions", PATCH: "PatchOptions" };

/** @throws StatusError "Invalid" with all faults at once */
export function writeOptions({ request, query }: { request: Request; query: URLSearchParams }): WriteOptions {
  if (query.size === 0 && !isApply(request)) return DEFAULTS;
  const fieldManager = query.get("fieldManager") ?? "";
  const dryRun = query.getAll("dryRun");
  const fieldValidation = query.get("fieldValidation") ?? "";
  const force = booleanOf(query.get("force"));
  const errors = [
    ...(request.method === "PATCH" ? patchErrors(isApply(request), { fieldManager, force }) : []),
    ...fieldManagerErrors(fieldManager),
    ...dryRunErrors(dryRun),
    ...fieldValidationErrors(fieldValidation),
  ];
  const kind = KINDS[request.method] ?? "CreateOptions";
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation === "" ? "Warn" : (fieldValidation as FieldValidation),
    force,
  };
}

function isApply(request: Request): boolean {
  if (request.method !== "PATCH") return false;
  return (request.headers.get("content-type") ?? "").startsWith("application/apply-patch");
}

/** As query parameters are read: only "false" and "0" say no. */
function booleanOf(value: string | null): boolean | undefined {
  if (value === null) return undefined;
  return value !== "0" && value.toLowerCase() !== "false";
}

function patchErrors(apply: boolean, options: Pick<WriteOptions, "fieldManager" | "force">): FieldError[] {
  if (apply) {
    return options.fieldManager === "" ? [fieldError.required("fieldManager", "is required for apply patch")] : [];
  }
  return options.force === undefined ? [] : [fieldError.forbidden("force", "may not be specified for non-apply patch")];
}

function fieldManagerErrors(manager: string): FieldError[] {
  const errors: FieldError[] = [];
  if (byteLength(manager) > FIELD_MANAGER_BYTES_MAX) {
    errors.push(fieldError.tooLong("fieldManager", FIELD_MANAGER_BYTES_MAX));
  }
  for (const { 0: char, index } of manager.matchAll(/[\p{C}\p{Z}]/gu)) {
    if (char === " ") continue;
    const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const position = byteLength(manager.slice(0, index));
    errors.push(fieldError.invalid("fieldManager", manager, `invalid character U+${code} (at position ${position})`));
  }
  return errors;
}

/** Of any verb: DeleteOptions have it as well. */
export function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.every((value) => value === "All") ? [] : [fieldError.notSupported("dryRun", values, ["All"])];
}

const FIELD_VALIDATIONS = ["", "Ignore", "Strict", "Warn"];

function fieldValidationErrors(value: string): FieldError[] {
  return FIELD_VALIDATIONS.includes(value)
    ? []
    : [fieldError.notSupported("fieldValidation", value, FIELD_VALIDATIONS)];
}
