/** `x-kubernetes-validations` of a schema, all but their expressions. */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { resolveFieldPath } from "./field-path.ts";
import type { JsonSchema, ValidationRule } from "./json-schema.ts";
import { unsupportedPart } from "./structural.ts";

const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

export function ruleErrors(schema: JsonSchema, path: string): FieldError[] {
  return (schema["x-kubernetes-validations"] ?? []).flatMap((rule, index) => {
    const at = `${path}[${index}]`;
    return [...textErrors(rule, at), ...outcomeErrors(rule, schema, at)];
  });
}

function textErrors({ rule, message = "" }: ValidationRule, at: string): FieldError[] {
  const hasMessage = message.trim() !== "";
  if (rule.trim() === "") return [fieldError.required(`${at}.rule`, "rule is not specified")];
  if (message !== "" && !hasMessage) {
    return [fieldError.invalid(`${at}.message`, message, "must be non-empty if specified")];
  }
  if (hasLineBreaks(message.trim())) {
    return [fieldError.invalid(`${at}.message`, message, "must not contain line breaks")];
  }
  if (!hasLineBreaks(rule.trim()) || hasMessage) return [];
  return [fieldError.required(`${at}.message`, "message must be specified if rule contains line breaks")];
}

function outcomeErrors(rule: ValidationRule, schema: JsonSchema, at: string): FieldError[] {
  const { messageExpression = "", reason, fieldPath = "" } = rule;
  const errors: FieldError[] = [];
  if (messageExpression !== "" && messageExpression.trim() === "") {
    const why = "messageExpression must be non-empty if specified";
    errors.push(fieldError.required(`${at}.messageExpression`, why));
  }
  if (reason !== undefined && !REASONS.includes(reason)) {
    errors.push(fieldError.notSupported(`${at}.reason`, reason, REASONS));
  }
  if (fieldPath === "") return errors;
  const invalid = (why: string): void => void errors.push(fieldError.invalid(`${at}.fieldPath`, fieldPath, why));
  if (fieldPath.trim() === "") invalid("must be non-empty if specified");
  if (hasLineBreaks(fieldPath)) invalid("must not contain line breaks");
  const isValid =
    unsupportedPart(schema) !== undefined || !("fault" in resolveFieldPath(fieldPath, schema, { brackets: true }));
  if (!isValid) invalid("must be a valid path");
  return errors;
}

function hasLineBreaks(text: string): boolean {
  return /[\n\r]/.test(text);
}
