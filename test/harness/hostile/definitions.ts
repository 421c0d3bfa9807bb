/** Definitions of custom resources whose schemas are made to cost. */
import {
  PATTERN_WEIGHT,
  RULE_WEIGHT,
  ITEMS_MAX,
  SCHEMA_ALTERNATIVE_WEIGHT,
  SCHEMA_NODE_WEIGHT,
} from "../../../src/machinery/object-limits.ts";
import { entries, filled, sending, STRICT, type HostileRequest } from "./request.ts";

const PATH = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions${STRICT}`;
const CHARACTERS = 1_400_000;
const NODES_MAX = ITEMS_MAX / SCHEMA_NODE_WEIGHT;
/** Bare nodes that one with a pattern or a rule counts for. */
const WITH_PATTERN = 1 + PATTERN_WEIGHT / SCHEMA_NODE_WEIGHT;
const WITH_RULE = 1 + RULE_WEIGHT / SCHEMA_NODE_WEIGHT;

const definition = (schema: string, version = ""): string =>
  `{"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",` +
  `"names":{"kind":"Widget","plural":"widgets"},"versions":[{"name":"v1","served":true,"storage":true${version},` +
  `"schema":{"openAPIV3Schema":${schema}}}]}}`;

/** As many as there may be, where each counts for `each` bare ones: a rule is an item, and what has many members meets another bound. */
const properties = (node: (at: number) => string, each = 1): string =>
  definition(`{"type":"object","properties":{${entries(NODES_MAX / each, (at) => `"p${at}":${node(at)}`)}}}`);

const schema = (name: string, status: number, body: () => string): HostileRequest => ({
  name: `definition: ${name}`,
  path: PATH,
  init: sending(body),
  status,
});

const OPEN = `{"type":"object"}`;

export const DEFINITIONS: readonly HostileRequest[] = [
  schema("patterns", 201, () => properties((at) => `{"type":"string","pattern":"^(a|b)*[c-z]*x${at}"}`, WITH_PATTERN)),
  schema("more patterns than there may be", 413, () => properties(() => `{"type":"string","pattern":"a"}`, 2)),
  schema("nodes without a type", 422, () => properties(() => "{}")),
  schema("more nodes than there may be", 413, () =>
    definition(`{"type":"object","properties":{${filled(CHARACTERS, (at) => `"p${at}":{}`)}}}`),
  ),
  schema("nodes of no type there is", 422, () => properties(() => `{"type":"x"}`)),
  schema("values of an enumeration", 413, () =>
    definition(
      `{"type":"object","properties":{"a":{"type":"string","enum":[${filled(CHARACTERS, (at) => `"v${at}"`)}]}}}`,
    ),
  ),
  schema("rules", 201, () =>
    properties((at) => `{"type":"string","x-kubernetes-validations":[{"rule":"self.size() > ${at}"}]}`, WITH_RULE),
  ),
  schema("rules that do not compile", 422, () =>
    properties(() => `{"type":"string","x-kubernetes-validations":[{"rule":"self.foo +"}]}`, WITH_RULE),
  ),
  schema("one long rule", 422, () =>
    definition(`{"type":"object","x-kubernetes-validations":[{"rule":"${"true && ".repeat(CHARACTERS / 8)}true"}]}`),
  ),
  schema("nesting", 400, () =>
    definition(`${`{"type":"object","properties":{"a":`.repeat(5_000)}${OPEN}${"}}".repeat(5_000)}`),
  ),
  schema("defaults", 422, () => properties(() => `{"type":"string","default":1}`, 1.2)),
  schema("junctors", 422, () =>
    definition(
      `{"type":"object","allOf":[${entries(ITEMS_MAX / (SCHEMA_ALTERNATIVE_WEIGHT + SCHEMA_NODE_WEIGHT), () => `{"properties":{"a":{}}}`)}]}`,
    ),
  ),
  schema("columns", 413, () =>
    definition(
      OPEN,
      `,"additionalPrinterColumns":[${filled(CHARACTERS, (at) => `{"name":"c${at}","type":"x","jsonPath":"a"}`)}]`,
    ),
  ),
  schema("selectable fields", 413, () =>
    definition(OPEN, `,"selectableFields":[${filled(CHARACTERS, () => `{"jsonPath":".spec.a"}`)}]`),
  ),
];
