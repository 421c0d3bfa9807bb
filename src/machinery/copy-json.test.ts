import { expect, it } from "vitest";
import { scanJson } from "../encoding/json.ts";
import { copyJson } from "./copy-json.ts";

it("copies bodies with all that JSON can say, integers beyond 2^53 and prototypes' names too", () => {
  const text = '{"a":[1,{"b":9007199254740993}],"constructor":{"c":null},"d":{}}';
  const { value } = scanJson(text);
  const copy = copyJson(value) as { a: unknown[] };
  expect(JSON.stringify(copy)).toBe(text);
  copy.a.push(2);
  expect(JSON.stringify(value)).toBe(text);
});
