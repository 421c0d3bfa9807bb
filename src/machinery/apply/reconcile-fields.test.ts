import { expect, test } from "vitest";
import type { SchemaNode } from "../schema.ts";
import { createFieldTypes } from "./field-type.ts";
import { reconciledFields } from "./reconcile-fields.ts";

const text: SchemaNode = { type: "string" };
const item: SchemaNode = { type: "object", properties: new Map([["name", text]]) };

function typeWith(list: Partial<SchemaNode>, map: Partial<SchemaNode>) {
  return createFieldTypes()({
    type: "object",
    properties: new Map<string, SchemaNode>([
      ["list", { type: "array", items: item, ...list }],
      ["map", { type: "object", additional: text, ...map }],
      ["text", text],
    ]),
  });
}

const GRANULAR = {
  "f:list": { 'k:{"name":"a"}': { ".": {}, "f:name": {} } },
  "f:map": { ".": {}, "f:a": {} },
  "f:text": {},
  "f:gone": { "f:a": {} },
};

test("what was owned in part is owned as a whole once its type is atomic", () => {
  const type = typeWith({ listType: "atomic" }, { mapType: "atomic" });
  expect(reconciledFields(GRANULAR, type)).toEqual({ ...GRANULAR, "f:list": {}, "f:map": {} });
});

test("nothing changes where the type did not", () => {
  const type = typeWith({ listType: "map", listMapKeys: ["name"] }, {});
  expect(reconciledFields(GRANULAR, type)).toBe(GRANULAR);
  const atomic = { "f:list": {}, "f:map": {} };
  expect(reconciledFields(atomic, typeWith({ listType: "atomic" }, { mapType: "atomic" }))).toBe(atomic);
});

test("what was owned as a whole stays so when its type becomes granular", () => {
  const type = typeWith({ listType: "map", listMapKeys: ["name"] }, {});
  const atomic = { "f:list": {}, "f:map": {} };
  expect(reconciledFields(atomic, type)).toBe(atomic);
});
