/** Bodies of JSON. */
import { ITEMS_MAX, VALUES_MAX } from "../../../src/machinery/object-limits.ts";
import {
  BODY_CHARACTERS,
  entries,
  filled,
  mapWith,
  MAPS,
  repeated,
  sending,
  STRICT,
  type HostileRequest,
} from "./request.ts";

const json = (name: string, body: () => string, expected: Pick<HostileRequest, "status">): HostileRequest => ({
  name: `JSON: ${name}`,
  path: MAPS + STRICT,
  init: sending(body),
  ...expected,
});

export const JSON_BODIES: HostileRequest[] = [
  json("one long string", () => mapWith(`"data":{"a":"${"x".repeat(BODY_CHARACTERS)}"}`), { status: 422 }),
  json("more values than there may be", () => mapWith(`"u":[${repeated(BODY_CHARACTERS, "0")}]`), { status: 413 }),
  json("more objects than there may be", () => mapWith(`"u":[${repeated(BODY_CHARACTERS, "{}")}]`), { status: 413 }),
  json("more of one key than there may be", () => mapWith(repeated(BODY_CHARACTERS, '"a":0')), { status: 413 }),
  json("a wrong type at its end", () => mapWith(`"data":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)},"z":1}`), {
    status: 400,
  }),
  json("as many keys as there may be", () => mapWith(`"data":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}`), {
    status: 201,
  }),
  json("many keys", () => mapWith(`"data":{${filled(BODY_CHARACTERS, (at) => `"k${at}":"v"`)}}`), { status: 413 }),
  json("unknown fields", () => mapWith(filled(BODY_CHARACTERS, (at) => `"u${at}":0`)), { status: 400 }),
  json(
    "unknown fields of the metadata",
    () => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{${filled(BODY_CHARACTERS, (at) => `"u${at}":0`)}}}`,
    { status: 400 },
  ),
  json("a key again and again", () => mapWith(filled(BODY_CHARACTERS, () => `"a":0`)), { status: 400 }),
  json("every key twice", () => mapWith(filled(BODY_CHARACTERS, (at) => `"k${at >> 1}":0`)), { status: 400 }),
  json(
    "one duplicate behind many keys",
    () => mapWith(`"data":{${filled(BODY_CHARACTERS, (at) => `"k${at}":"v"`)}},"data":{}`),
    { status: 400 },
  ),
  json(
    "a duplicate in a wide list",
    () => mapWith(`"data":{},"u":[${filled(BODY_CHARACTERS, () => "[]")}],"data":{}`),
    { status: 400 },
  ),
  json(
    "duplicates far down",
    () =>
      mapWith(
        `"u":${'{"a":'.repeat(900)}{${entries(VALUES_MAX - 2_000, (at) => `"k${at >> 1}":0`)}}${"}".repeat(900)}`,
      ),
    { status: 400 },
  ),
  json("empty lists", () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => "[]")}]`), { status: 400 }),
  json("empty objects", () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => "{}")}]`), { status: 400 }),
  json("small objects", () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => '{"a":0}')}]`), { status: 400 }),
  json("objects of different shapes", () => mapWith(`"u":[${filled(BODY_CHARACTERS, (at) => `{"a${at}":0}`)}]`), {
    status: 400,
  }),
  json("numbers", () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => "0")}]`), { status: 400 }),
  json("exponents", () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => "1e9")}]`), { status: 400 }),
  json("long integers", () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => "12345678901234567890")}]`), {
    status: 400,
  }),
  json(
    "one long integer among many numbers",
    () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => "0")},12345678901234567890]`),
    {
      status: 400,
    },
  ),
  json(
    "one long integer among many keys",
    () => mapWith(`"u":12345678901234567890,"v":{${filled(BODY_CHARACTERS, (at) => `"k${at}":"v"`)}}`),
    {
      status: 400,
    },
  ),
  json(
    "digits in text among many keys",
    () => mapWith(`"u":"12345678901234567890","v":{${filled(BODY_CHARACTERS, (at) => `"k${at}":"v"`)}}`),
    {
      status: 400,
    },
  ),
  json("a number of a million digits", () => mapWith(`"u":${"1".repeat(BODY_CHARACTERS)}`), { status: 400 }),
  json("escapes", () => mapWith(`"data":{"a":"${filled(BODY_CHARACTERS, () => "\\u0041", "")}"}`), { status: 201 }),
  json("backslashes", () => mapWith(`"data":{"a":"${"\\\\".repeat(BODY_CHARACTERS / 2)}"}`), { status: 422 }),
  json("escaped quotes", () => mapWith(`"data":{"a":"${'\\"'.repeat(BODY_CHARACTERS / 2)}"}`), { status: 422 }),
  json("escaped keys", () => mapWith(`"u":{${filled(BODY_CHARACTERS, (at) => `"\\u0041${at}":0`)}}`), { status: 400 }),
  json("nesting", () => "[".repeat(BODY_CHARACTERS), { status: 400 }),
  json(
    "nesting and nesting",
    () => mapWith(`"u":[${filled(BODY_CHARACTERS, () => `${"[".repeat(900)}${"]".repeat(900)}`)}]`),
    { status: 400 },
  ),
  json("broken at its end", () => mapWith(`"data":{${filled(BODY_CHARACTERS, (at) => `"k${at}":"v"`)}},`), {
    status: 400,
  }),
  json("broken at its end, many lists", () => `[${filled(BODY_CHARACTERS, () => "[]")}`, { status: 400 }),
  json("broken at its end, a long string", () => `{"a":"${"x".repeat(BODY_CHARACTERS)}`, { status: 400 }),
  json("spaces", () => mapWith(`"data":{}${" ".repeat(BODY_CHARACTERS)}`), { status: 201 }),
  json("a kind as long as the body", () => `{"kind":"${"x".repeat(BODY_CHARACTERS)}","apiVersion":"v1"}`, {
    status: 400,
  }),
  json("a name as long as the body", () => `{"metadata":{"name":"${"a".repeat(BODY_CHARACTERS)}"}}`, { status: 422 }),
  json("a name of odd characters", () => `{"metadata":{"name":"${"\u00e4".repeat(BODY_CHARACTERS / 2)}"}}`, {
    status: 422,
  }),
  json(
    "labels that are none",
    () => `{"metadata":{"name":"x","labels":{${entries(ITEMS_MAX, (at) => `"-${at}":"-"`)}}}}`,
    { status: 422 },
  ),
  json("labels", () => `{"metadata":{"name":"x","labels":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}}}`, {
    status: 201,
  }),
  json("annotations", () => `{"metadata":{"name":"x","annotations":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}}}`, {
    status: 201,
  }),
  json("finalizers", () => `{"metadata":{"name":"x","finalizers":[${entries(ITEMS_MAX, (at) => `"x.y/k${at}"`)}]}}`, {
    status: 201,
  }),
  json(
    "owners",
    () =>
      `{"metadata":{"name":"x","ownerReferences":[${entries(ITEMS_MAX / 2, (at) => `{"apiVersion":"v1","kind":"A","name":"b","uid":"${at}"}`)}]}}`,
    { status: 201 },
  ),
  json(
    "controllers",
    () =>
      `{"metadata":{"name":"x","ownerReferences":[${entries(ITEMS_MAX / 2, (at) => `{"apiVersion":"v1","kind":"A","name":"b","uid":"${at}","controller":true}`)}]}}`,
    { status: 422 },
  ),
  json(
    "the same owner",
    () =>
      `{"metadata":{"name":"x","ownerReferences":[${entries(ITEMS_MAX / 2, () => `{"apiVersion":"v1","kind":"A","name":"b","uid":"u"}`)}]}}`,
    { status: 201 },
  ),
  json(
    "managers",
    () =>
      `{"metadata":{"name":"x","managedFields":[${filled(BODY_CHARACTERS, (at) => `{"manager":"m${at}","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k${at}":{}}}}`)}]}}`,
    { status: 201 },
  ),
  json(
    "a manager of many fields",
    () =>
      `{"metadata":{"name":"x","managedFields":[{"manager":"m","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{${filled(BODY_CHARACTERS, (at) => `"f:k${at}":{}`)}}}}]}}`,
    { status: 201 },
  ),
  json(
    "a manager of many items",
    () =>
      `{"metadata":{"name":"x","managedFields":[{"manager":"m","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{${filled(BODY_CHARACTERS, (at) => `"k:{\\"b\\":${at},\\"a\\":1}":{}`)}}}}]}}`,
    { status: 201 },
  ),
];
