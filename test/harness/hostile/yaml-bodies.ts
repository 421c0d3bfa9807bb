/** Bodies of YAML, and of JSON that says it is. */
import { ITEMS_MAX, VALUES_MAX } from "../../../src/machinery/object-limits.ts";
import {
  BODY_CHARACTERS,
  entries,
  filled,
  mapWith,
  MAPS,
  sending,
  STRICT,
  YAML_CHARACTERS,
  type HostileRequest,
} from "./request.ts";

const YAML_TYPE = { "content-type": "application/yaml" };

const yaml = (name: string, body: () => string, expected: Pick<HostileRequest, "status">): HostileRequest => ({
  name: `YAML: ${name}`,
  path: MAPS + STRICT,
  init: sending(body, { headers: YAML_TYPE }),
  ...expected,
});

const YAML_HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";

export const YAML_BODIES: HostileRequest[] = [
  yaml("many keys", () => `${YAML_HEAD}data:\n${entries(ITEMS_MAX, (at) => `  k${at}: v`, "\n")}`, {
    status: 201,
  }),
  yaml(
    "long lines",
    () => `${YAML_HEAD}data:\n${filled(YAML_CHARACTERS, (at) => `  k${at}: ${"v".repeat(1_000)}`, "\n")}`,
    { status: 201 },
  ),
  yaml("a block", () => `${YAML_HEAD}data:\n  a: |\n${filled(YAML_CHARACTERS, () => `    v`, "\n")}`, { status: 201 }),
  yaml("a flow of scalars", () => `${YAML_HEAD}u: [${entries(VALUES_MAX / 1.3, () => "a")}]`, { status: 400 }),
  yaml("a flow of lists", () => `${YAML_HEAD}u: [${entries(VALUES_MAX / 2.6, () => "[]")}]`, { status: 400 }),
  yaml("a list of nothing", () => `${YAML_HEAD}u:\n${entries(VALUES_MAX / 1.3, () => "-", "\n")}`, { status: 400 }),
  yaml("keys of one letter", () => `${YAML_HEAD}u: {${entries(VALUES_MAX / 2.6, (at) => `${at.toString(36)}: `)}}`, {
    status: 400,
  }),
  yaml("a key again and again", () => `${YAML_HEAD}${entries(VALUES_MAX / 2.6, () => "a: 1", "\n")}`, { status: 400 }),
  yaml("every key twice", () => `${YAML_HEAD}${entries(VALUES_MAX / 2.6, (at) => `k${at >> 1}: 1`, "\n")}`, {
    status: 400,
  }),
  yaml("anchors", () => `${YAML_HEAD}u: [${entries(19_900, (at) => `&a${at} 0`)}]`, { status: 400 }),
  yaml("aliases", () => `${YAML_HEAD}u: [&a 0,${entries(19_900, () => "*a")}]`, { status: 400 }),
  yaml(
    "aliases of aliases",
    () =>
      `${YAML_HEAD}a0: &a0 [0,0]\n${Array.from({ length: 40 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`).join("\n")}`,
    { status: 400 },
  ),
  yaml(
    "aliases up to the bound",
    () => `${YAML_HEAD}u:\n- &a [${"0,".repeat(900)}0]\n${filled(4_000, () => `- *a`, "\n")}`,
    { status: 400 },
  ),
  yaml(
    "merges",
    () => `${YAML_HEAD}b: &b {${entries(4_000, (at) => `k${at}: 1`)}}\nu:\n${entries(3_000, () => `- <<: *b`, "\n")}`,
    { status: 400 },
  ),
  yaml("comments", () => `${YAML_HEAD}${filled(YAML_CHARACTERS, () => "#", "\n")}`, { status: 201 }),
  yaml("documents", () => `${YAML_HEAD}${filled(YAML_CHARACTERS, () => "---", "\n")}`, { status: 201 }),
  yaml("tags", () => `${YAML_HEAD}u: [${entries(19_900, () => "!!str a")}]`, { status: 400 }),
  yaml("integers", () => `${YAML_HEAD}u: [${entries(VALUES_MAX / 1.3, () => "0x7f")}]`, { status: 400 }),
  yaml("a long integer", () => `${YAML_HEAD}u: ${"1".repeat(YAML_CHARACTERS)}`, { status: 400 }),
  yaml("floats", () => `${YAML_HEAD}u: [${entries(VALUES_MAX / 1.3, () => "1.5e3")}]`, { status: 400 }),
  yaml("nesting", () => `${YAML_HEAD}u: ${"[".repeat(YAML_CHARACTERS)}`, { status: 400 }),
  yaml(
    "nesting by lines",
    () => `${YAML_HEAD}u:\n${filled(YAML_CHARACTERS, (at) => `${" ".repeat(at % 900)}- `, "\n")}`,
    { status: 400 },
  ),
  yaml("quotes", () => `${YAML_HEAD}u: [${entries(VALUES_MAX / 1.3, () => `"\\x41"`)}]`, { status: 400 }),
  yaml("one quoted scalar of lines", () => `${YAML_HEAD}u: "${filled(YAML_CHARACTERS, () => "a", "\n ")}"`, {
    status: 400,
  }),
  yaml("a plain scalar of lines", () => `${YAML_HEAD}u: ${filled(YAML_CHARACTERS, () => "a", "\n ")}`, { status: 400 }),
  yaml("JSON that it cannot be", () => mapWith(filled(BODY_CHARACTERS, (at) => `"k${at}":0`)).slice(0, -1), {
    status: 400,
  }),
  yaml(
    "JSON with a duplicate",
    () => mapWith(`"data":{},${entries(VALUES_MAX / 2.6, (at) => `"k${at}":0`)},"data":{}`),
    {
      status: 400,
    },
  ),
  yaml("JSON with duplicates", () => mapWith(entries(VALUES_MAX / 2.6, (at) => `"k${at >> 1}":0`)), { status: 400 }),
  yaml("JSON of many keys", () => mapWith(`"data":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}`), {
    status: 201,
  }),
];
