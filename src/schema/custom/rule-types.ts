/**
 * The values of a schema as rules see them: their types, how large they may be, how often they may occur. SchemaDeclType of
 * k8s.io/apiserver/pkg/cel/common, and CELSchemaContext of k8s.io/apiextensions-apiserver.
 */
import type { Range } from "../../cel/estimate.ts";
import { product } from "../../cel/estimate.ts";
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  objectOf,
  STRING,
  TIMESTAMP,
  type CelType,
} from "../../cel/types.ts";
import { escapeName } from "./escape-name.ts";
import { itemsOf, propertiesOf, propertyOf, valuesOf, type JsonSchema } from "./json-schema.ts";
import type { SchemaPlace } from "./openapi-rules.ts";

const REQUEST_BYTES_MAX = 3 * 1024 * 1024;

/** What a rule may use of values of a schema. */
export interface RuleType {
  /** Elements of a list or map, bytes of a string; 0 where there are none to count. */
  elementsMax: number;
  /** Of the smallest value, as JSON. */
  bytesMin: number;
  key?: RuleType;
  element?: RuleType;
  /** By the name that rules use. */
  field?(name: string): RuleType | undefined;
  /** `name` is that of an object's type, for messages. */
  celType(name: string): CelType;
}

/** Remembers each schema's; good while the schemas do not change. */
export class RuleTypes {
  private readonly known = new Map<JsonSchema, RuleType | undefined>();
  private readonly roots = new Map<JsonSchema, RuleType | undefined>();

  /** undefined: rules cannot see such values. */
  of(schema: JsonSchema, isResource = schema["x-kubernetes-embedded-resource"] === true): RuleType | undefined {
    const known = isResource ? this.roots : this.known;
    if (known.has(schema)) return known.get(schema);
    const made = this.make(schema, isResource);
    known.set(schema, made);
    return made;
  }

  private make(schema: JsonSchema, isResource: boolean): RuleType | undefined {
    if (schema["x-kubernetes-int-or-string"]) {
      return simple(DYN, schema.maxLength === undefined ? REQUEST_BYTES_MAX - 2 : lengthMax(schema.maxLength), 1);
    }
    switch (schema.type) {
      case "array":
        return this.list(schema);
      case "object":
        return valuesOf(schema) && !isResource ? this.map(schema) : this.object(isResource ? withMeta(schema) : schema);
      case "string":
        return text(schema);
      case "boolean":
        return simple(BOOL, 0, 4);
      case "number":
        return simple(DOUBLE, 0, 1);
      case "integer":
        return simple(INT, 0, 1);
      default:
        return undefined;
    }
  }

  private list(schema: JsonSchema): RuleType | undefined {
    const items = itemsOf(schema);
    const element = items && this.of(items);
    if (!element) return undefined;
    return {
      elementsMax: Math.max(0, schema.maxItems ?? Math.floor((REQUEST_BYTES_MAX - 2) / (element.bytesMin + 1))),
      bytesMin: 2,
      element,
      celType: (name) => listOf(element.celType(`${name}.@idx`)),
    };
  }

  private map(schema: JsonSchema): RuleType | undefined {
    const values = valuesOf(schema);
    const element = values && this.of(values);
    if (!element) return undefined;
    return {
      elementsMax: Math.max(0, schema.maxProperties ?? Math.floor((REQUEST_BYTES_MAX - 2) / (element.bytesMin + 6))),
      bytesMin: 2,
      key: simple(STRING, 0, 2),
      element,
      celType: (name) => mapOf(STRING, element.celType(`${name}.@elem`)),
    };
  }

  private object(schema: JsonSchema): RuleType {
    const names = new Map<string, JsonSchema>();
    for (const [name, property] of propertiesOf(schema)) {
      const escaped = escapeName(name);
      if (escaped !== undefined) names.set(escaped, property);
    }
    const field = (name: string): RuleType | undefined => {
      const property = names.get(name) ?? names.get(`__${name}__`);
      return property && this.of(property);
    };
    return {
      elementsMax: 0,
      bytesMin: this.objectBytesMin(schema),
      field,
      celType: (name) => {
        const made = new Map<string, CelType | undefined>();
        return objectOf(name, (member) => {
          if (!made.has(member)) made.set(member, field(member)?.celType(`${name}.${member}`));
          return made.get(member);
        });
      },
    };
  }

  private objectBytesMin(schema: JsonSchema): number {
    let bytes = 2;
    for (const name of new Set(schema.required)) {
      const property = propertyOf(schema, name);
      const type = property && property.default === undefined ? this.of(property) : undefined;
      if (type) bytes += name.length + type.bytesMin + 4;
    }
    return bytes;
  }
}

function simple(type: CelType, elementsMax: number, bytesMin: number): RuleType {
  return { elementsMax, bytesMin, celType: () => type };
}

/** Of bytes: a character can have four. */
function lengthMax(length: number): number {
  return Math.max(0, length) * 4;
}

function text({ format, maxLength, enum: values = [] }: JsonSchema): RuleType {
  if (format === "byte")
    return simple(BYTES, maxLength === undefined ? REQUEST_BYTES_MAX - 2 : Math.max(0, maxLength), 2);
  if (format === "duration") return simple(DURATION, 32, 3);
  if (format === "date") return simple(TIMESTAMP, 12, 12);
  if (format === "date-time") return simple(TIMESTAMP, 32, 21);
  if (maxLength !== undefined) return simple(STRING, lengthMax(maxLength), 2);
  if (values.length === 0) return simple(STRING, REQUEST_BYTES_MAX - 2, 2);
  const encoder = new TextEncoder();
  const lengths = values.map((value) => (typeof value === "string" ? encoder.encode(value).length : 0));
  return simple(
    STRING,
    lengths.reduce((max, length) => Math.max(max, length), 0),
    2,
  );
}

const STRING_SCHEMA: JsonSchema = { type: "string" };

/** Rules always see who a resource is, and nothing else of its metadata. */
function withMeta(schema: JsonSchema): JsonSchema {
  const metadata: JsonSchema = { type: "object", properties: { name: STRING_SCHEMA, generateName: STRING_SCHEMA } };
  const declared = propertyOf(schema, "metadata");
  const isComplete =
    propertyOf(schema, "kind")?.type === "string" &&
    propertyOf(schema, "apiVersion")?.type === "string" &&
    declared?.type === "object" &&
    propertyOf(declared, "name")?.type === "string" &&
    propertyOf(declared, "generateName")?.type === "string";
  if (isComplete) return schema;
  return { ...schema, properties: { ...schema.properties, kind: STRING_SCHEMA, apiVersion: STRING_SCHEMA, metadata } };
}

/** Sizes by paths from the type: `["self", "hosts", "@items"]`. */
export function sizesIn(root: RuleType): (path: readonly string[]) => Range | undefined {
  return ([, ...steps]) => {
    let at: RuleType | undefined = root;
    for (const step of steps) {
      if (step === "@items" || step === "@values") at = at?.element;
      else if (step === "@keys") at = at?.key;
      else at = at?.field?.(step);
      if (!at) return undefined;
    }
    return at && { min: 0, max: at.elementsMax };
  };
}

/** How often values of a schema may occur in an object; by how small they are where nothing bounds the lists around them. */
export function cardinality(place: SchemaPlace, type: RuleType): number {
  return boundOf(place) ?? Math.floor(REQUEST_BYTES_MAX / (type.bytesMin + 1));
}

function boundOf({ parent }: SchemaPlace): number | undefined {
  if (!parent) return 1;
  const around = boundOf(parent);
  const own = occurrencesMax(parent.schema);
  return around === undefined || own === undefined ? undefined : product(around, own);
}

/** extractMaxElements: members of an object come once each. */
function occurrencesMax(schema: JsonSchema): number | undefined {
  if (schema.type === "object") return schema.additionalProperties === undefined ? 1 : bound(schema.maxProperties);
  return schema.type === "array" ? bound(schema.maxItems) : 1;
}

function bound(max: number | undefined): number | undefined {
  return max === undefined ? undefined : Math.max(0, max);
}
