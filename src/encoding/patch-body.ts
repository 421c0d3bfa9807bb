/** The bodies of JSON, merge and strategic merge patches. Which patch takes which value is checked by machinery/patch. */
import { badRequest } from "../machinery/status-error.ts";
import { duplicateField, unknownField, type DecodedRaw } from "./codec.ts";
import { FAULTS_MAX, JsonSyntaxError, scanJson, type ScannedJson } from "./json.ts";

/** @throws StatusError BadRequest, with the one text that Kubernetes has for whatever is no JSON */
export function parsePatch(kind: "json" | "merge" | "strategic", body: Uint8Array): DecodedRaw {
  const { value, duplicateFields } = scan(body);
  if (kind !== "json") return { value, faults: duplicateFields.map(duplicateField) };
  const faults = [...unknownMembers(value).map(unknownField), ...ofOperations(duplicateFields).map(duplicateField)];
  return { value, faults: faults.slice(0, FAULTS_MAX).map((fault) => `json patch ${fault}`) };
}

function scan(body: Uint8Array): ScannedJson {
  try {
    return scanJson(body);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest("invalid JSON patch", error);
    throw error;
  }
}

const MEMBERS = new Set(["op", "path", "from", "value"]);

function unknownMembers(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation: unknown, index) =>
    typeof operation === "object" && operation !== null
      ? Object.keys(operation).flatMap((key) => (MEMBERS.has(key) ? [] : [`[${index}].${key}`]))
      : [],
  );
}

/** Of members that an operation does not have nothing more is said than that. */
function ofOperations(paths: readonly string[]): string[] {
  return paths.filter((path) => /^\[\d+\]\.(?:op|path|from|value)(?![^.[])/.test(path));
}
