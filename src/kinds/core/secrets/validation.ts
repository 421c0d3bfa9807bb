/** Secret: pkg/apis/core/validation of Kubernetes. */
import { textFromBase64 } from "../../../machinery/base64.ts";
import { configKeyFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { base64Length, DATA_BYTES_MAX, validateImmutable } from "../configmaps/validation.ts";
import { ACCOUNT_NAME_ANNOTATION, SERVICE_ACCOUNT_TOKEN, type Secret } from "./types.ts";

/** What the built-in types must hold. */
const REQUIRED_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/ssh-auth", ["ssh-privatekey"]],
  ["kubernetes.io/tls", ["tls.crt", "tls.key"]],
]);

export function validateSecret({ metadata, type = "", data = {} }: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidFor(`data[${key}]`, key, configKeyFaults(key)));
    bytes += base64Length(value);
  }
  if (bytes > DATA_BYTES_MAX) errors.push(fieldError.tooLong("data", DATA_BYTES_MAX));
  for (const key of REQUIRED_KEYS.get(type) ?? []) {
    if (!Object.hasOwn(data, key)) errors.push(fieldError.required(`data[${key}]`));
    else if (key.startsWith(".docker")) errors.push(...jsonErrors(data[key] ?? "", `data[${key}]`));
  }
  const named = metadata.annotations?.[ACCOUNT_NAME_ANNOTATION];
  if (type === SERVICE_ACCOUNT_TOKEN && !named) {
    errors.push(fieldError.required(`metadata.annotations[${ACCOUNT_NAME_ANNOTATION}]`));
  }
  const authKeys = ["username", "password"];
  if (type === "kubernetes.io/basic-auth" && !authKeys.some((key) => Object.hasOwn(data, key))) {
    errors.push(...authKeys.map((key) => fieldError.required(`data[${key}]`)));
  }
  return errors;
}

/** The value itself is a secret and not shown. */
function jsonErrors(base64: string, field: string): FieldError[] {
  try {
    JSON.parse(textFromBase64(base64));
    return [];
  } catch {
    return [fieldError.invalid(field, "<secret contents redacted>", "must be valid JSON")];
  }
}

export function validateSecretUpdate(now: Secret, old: Secret): FieldError[] {
  const errors = validateImmutable(now, old, ["data"]);
  if (now.type !== old.type) errors.push(fieldError.invalid("type", now.type ?? "", "field is immutable"));
  return errors;
}
