/**
 * Paths into the values of a schema, as rules (`fieldPath`) and selectable fields name them: `.spec.hosts`, `.metadata['a.b']`.
 * ValidFieldPath of k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel, with its texts.
 */
import { propertyOf, valuesOf, type JsonSchema } from "./json-schema.ts";

export type FieldPathResult =
  | {
      /** As messages show it: `spec.hosts`, `metadata[a.b]`; two paths of one field have the same. */
      path: string;
      /** The first step. */
      root: string;
      schema: JsonSchema;
    }
  | { fault: string };

const UNKNOWN_FIELD = "does not refer to a valid field";
const UNEXPECTED_END = "unexpected end of JSON path";

/** `brackets`: whether `['name']` may be used. */
export function resolveFieldPath(text: string, root: JsonSchema, { brackets }: { brackets: boolean }): FieldPathResult {
  const tokens = tokensOf(text);
  const found = { path: "", root: "", schema: root };
  for (let at = 0; at < tokens.length;) {
    const opening = tokens[at] ?? "";
    if (opening !== "." && opening !== "[") return { fault: `expected [ or . but got: ${opening}` };
    if (opening === "[" && !brackets) return { fault: "array notation is not allowed" };
    const token = tokens[at + 1];
    if (token === undefined) return { fault: UNEXPECTED_END };
    const name = opening === "." ? token : quotedName(token);
    if (typeof name === "object") return name;
    const next = found.schema.properties ? propertyOf(found.schema, name) : valuesOf(found.schema);
    if (!next) return { fault: UNKNOWN_FIELD };
    const step = found.schema.properties ? (found.path === "" ? name : `.${name}`) : `[${name}]`;
    found.path += step;
    found.root ||= step;
    found.schema = next;
    at += 2;
    if (opening === ".") continue;
    const closing = tokens[at];
    if (closing === undefined) return { fault: UNEXPECTED_END };
    if (closing !== "]") return { fault: `expected ] but got ${closing}` };
    at += 1;
  }
  return found;
}

/** Delimiters are tokens of their own; a quoted name is one, with its quotes. */
function tokensOf(text: string): string[] {
  return text.match(/'(?:[^'\\]|\\[^])*'|'[^]*$|[.[\]]|[^.[\]']+[^.[\]]*/g) ?? [];
}

function quotedName(token: string): string | { fault: string } {
  if (!/^'[^]*'$/.test(token) || token.length < 2) return { fault: `expected single quoted string but got ${token}` };
  return token.slice(1, -1).replace(/\\(['\\])/g, "$1");
}
