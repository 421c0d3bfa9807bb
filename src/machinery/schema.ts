/** The structure of a type, as far as the API machinery needs it. Made from OpenAPI (built-ins) or from a CRD. Nodes are shared and may be cyclic. */

export interface SchemaNode {
  type: "object" | "array" | "string" | "integer" | "number" | "boolean" | "any";
  /** "quantity", "int-or-string", "date-time", "micro-time", "byte", "int32", "int64", "double", "duration" … */
  format?: string;
  /** What the API server sets when it is absent, where it tells items of a list apart. */
  default?: unknown;
  /** Declared members of an object. */
  properties?: ReadonlyMap<string, SchemaNode>;
  /** Values of a map (an object without declared members). */
  additional?: SchemaNode;
  /** Items of an array. */
  items?: SchemaNode;
  required?: readonly string[];
  /** Undeclared members are allowed and kept (RawExtension, JSON, FieldsV1). */
  preserveUnknown?: boolean;
  /** Strategic merge patch, e.g. "merge", "replace", "retainKeys", "merge,retainKeys". */
  patchStrategy?: string;
  patchMergeKey?: string;
  /** Server-side apply. */
  listType?: "atomic" | "set" | "map";
  listMapKeys?: readonly string[];
  mapType?: "atomic" | "granular";
}
