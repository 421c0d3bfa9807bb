/**
 * The one error that crosses the API: `StatusError`, a `Status` object in a throwable.
 * Reasons and codes are those of metav1.StatusReason (k8s.io/apimachinery/pkg/apis/meta/v1/types.go).
 */
import { goQuote, goShown } from "./go-text.ts";

export type StatusReason =
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Expired"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "Invalid"
  | "TooManyRequests"
  | "InternalError"
  | "ServiceUnavailable"
  | "Timeout"
  | "ServerTimeout";

const CODES: Record<StatusReason, number> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
};

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: { continue?: string };
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

/** What an API call failed with. `message` is public; a private reason goes into `cause`. */
export class StatusError extends Error {
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;
  /** A fresh continue token, for an expired one (410). */
  readonly continueToken: string | undefined;

  constructor(
    reason: StatusReason,
    message: string,
    options: { details?: StatusDetails; cause?: unknown; continueToken?: string; code?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "StatusError";
    this.reason = reason;
    this.code = options.code ?? CODES[reason];
    this.details = options.details;
    this.continueToken = options.continueToken;
  }

  toStatus(): Status {
    const status: Status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.continueToken === undefined ? {} : { continue: this.continueToken },
      status: "Failure",
      message: this.message,
      reason: this.reason,
      code: this.code,
    };
    if (this.details) status.details = this.details;
    return status;
  }

  /** The error a Status from a server stands for. An unknown reason is kept as InternalError with the code it came with. */
  static fromStatus(status: Status): StatusError {
    const known = status.reason !== undefined && status.reason in CODES;
    return new StatusError(
      known ? (status.reason as StatusReason) : "InternalError",
      status.message ?? "unknown error",
      {
        ...(status.details ? { details: status.details } : {}),
        ...(status.code === undefined ? {} : { code: status.code }),
      },
    );
  }
}

export function isStatusError(error: unknown, reason?: StatusReason): error is StatusError {
  return error instanceof StatusError && (reason === undefined || error.reason === reason);
}

/** "pods", "deployments.apps": how messages name a resource. */
export interface Named {
  group: string;
  resource: string;
}

function qualified({ group, resource }: Named): string {
  return group === "" ? resource : `${resource}.${group}`;
}

/** Empty ones are left out, as Go does. */
function named(parts: { name: string; group: string; kind: string }): StatusDetails {
  const { name, group, kind } = parts;
  return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), ...(kind === "" ? {} : { kind }) };
}

function details(of: Named, name: string): StatusDetails {
  return named({ name, group: of.group, kind: of.resource });
}

export function notFound(of: Named, name: string): StatusError {
  return new StatusError("NotFound", `${qualified(of)} "${name}" not found`, { details: details(of, name) });
}

export function alreadyExists(of: Named, name: string): StatusError {
  return new StatusError("AlreadyExists", `${qualified(of)} "${name}" already exists`, { details: details(of, name) });
}

export function conflict(of: Named, name: string, why: string): StatusError {
  return new StatusError("Conflict", `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`, {
    details: details(of, name),
  });
}

export const OBJECT_MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

export function forbidden(of: Named, name: string, why: string): StatusError {
  const subject = name === "" ? qualified(of) : `${qualified(of)} "${name}"`;
  return new StatusError("Forbidden", `${subject} is forbidden: ${why}`, { details: details(of, name) });
}

export function badRequest(message: string, cause?: unknown): StatusError {
  return new StatusError("BadRequest", message, { cause });
}

/** One fault of a field; `reason` and texts are those of k8s.io/apimachinery/pkg/util/validation/field/errors.go. */
export interface FieldError {
  reason:
    | "FieldValueInvalid"
    | "FieldValueRequired"
    | "FieldValueNotSupported"
    | "FieldValueDuplicate"
    | "FieldValueForbidden"
    | "FieldValueNotFound"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueTypeInvalid"
    | "InternalError";
  /** e.g. `spec.containers[0].name` */
  field: string;
  /** The whole text without the path, e.g. `Invalid value: "A": must be lower case`. Made when it is read: most of many never are. */
  readonly message: string;
}

export const fieldError = {
  invalid: (field: string, value: unknown, why: string): FieldError => ({
    reason: "FieldValueInvalid",
    field,
    get message() {
      return `Invalid value: ${goShown(value)}${why === "" ? "" : `: ${why}`}`;
    },
  }),
  required: (field: string, why = ""): FieldError => ({
    reason: "FieldValueRequired",
    field,
    message: `Required value${why === "" ? "" : `: ${why}`}`,
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    reason: "FieldValueNotSupported",
    field,
    get message() {
      const values = supported.length === 0 ? "" : `: supported values: ${supported.map(goQuote).join(", ")}`;
      return `Unsupported value: ${goShown(value)}${values}`;
    },
  }),
  duplicate: (field: string, value: unknown): FieldError => ({
    reason: "FieldValueDuplicate",
    field,
    get message() {
      return `Duplicate value: ${goShown(value)}`;
    },
  }),
  forbidden: (field: string, why: string): FieldError => ({
    reason: "FieldValueForbidden",
    field,
    message: `Forbidden: ${why}`,
  }),
  tooLong: (field: string, bytesMax: number): FieldError => ({
    reason: "FieldValueTooLong",
    field,
    message: `Too long: may not be more than ${bytesMax} bytes`,
  }),
};

/** Faults told at most: a body of a few megabytes can have half a million, and each is answered twice. */
const FIELD_ERRORS_MAX = 1_000;

/** Of all of them together: a fault can show a long list, and each of its items can have one. */
const FIELD_ERRORS_CHARACTERS_MAX = 256 * 1024;

/** 422 with every fault as a cause; several are joined in brackets in the message. */
export function invalid(of: { group: string; kind: string }, name: string, all: readonly FieldError[]): StatusError {
  const causes: Required<StatusCause>[] = [];
  let characters = 0;
  for (const { reason, field, message } of all) {
    if (causes.length >= FIELD_ERRORS_MAX || characters >= FIELD_ERRORS_CHARACTERS_MAX) break;
    characters += field.length + message.length;
    causes.push({ reason, message, field });
  }
  const unique = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const joined = unique.length === 1 ? unique[0] : `[${unique.join(", ")}]`;
  const kind = of.group === "" ? of.kind : `${of.kind}.${of.group}`;
  return new StatusError("Invalid", `${kind} "${name}" is invalid: ${joined}`, {
    details: { ...named({ name, group: of.group, kind: of.kind }), causes },
  });
}
