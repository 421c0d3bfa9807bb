import { describe, expect, it } from "vitest";
import { StatusError } from "../machinery/status-error.ts";
import { VALUES_MAX } from "../machinery/object-limits.ts";
import { FAULTS_MAX, faultsInOrder, isRawNumber, scanJson } from "./json.ts";
import { JsonScanner } from "./json-scanner.ts";

describe("scanJson", () => {
  it.each([
    "{}",
    "[]",
    "null",
    "-1.5e3",
    '"a\\"b:\\\\"',
    ' { "a" : [ { "b\\"" : "c:d" } , "x" , true ] , "e" : { "f" : "\\\\" } } ',
    '{"":{"":""}}',
    '{"a\\\\":1,"b":"\\\\\\"","c":"\\u00e9"}',
  ])("parses %s without a fault", (text) => {
    expect(scanJson(text)).toEqual({ value: JSON.parse(text), duplicateFields: [], hasLargeNumbers: false });
  });

  it.each([
    ['{"a":1,"a":2}', ["a"], { a: 2 }],
    ['{"spec":{"replicas":1,"replicas":2}}', ["spec.replicas"], { spec: { replicas: 2 } }],
    ['{"l":[{},{"n":1,"n":2}]}', ["l[1].n"], { l: [{}, { n: 2 }] }],
    ['{"a":1,"\\u0061":2}', ["a"], { a: 2 }],
    ['{"a":1,"a":2,"a":3}', ["a"], { a: 3 }],
    ['{"a":{"b":1},"a":{"c":1,"c":2}}', ["a", "a.c"], { a: { c: 2 } }],
  ])("reports duplicates of %s", (text, duplicateFields, value) => {
    expect(scanJson(text)).toMatchObject({ duplicateFields, value });
  });

  it.each([
    ["", "unexpected end of JSON input"],
    ["{", "unexpected end of JSON input"],
    ['{"a":', "unexpected end of JSON input"],
    ['{"a":"b', "unexpected end of JSON input"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["{x}", "invalid character 'x' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ["[1 2]", "invalid character '2' after array element"],
    ["[1,]", "invalid character ']' looking for beginning of value"],
    ["{} x", "invalid character 'x' after top-level value"],
    ["nul", "unexpected end of JSON input"],
    ["nulx", "invalid character 'x' in literal null (expecting 'l')"],
    ["01", "invalid character '1' after top-level value"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["1ex", "invalid character 'x' in exponent of numeric literal"],
    ["-x", "invalid character 'x' in numeric literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['{"__proto__":{"polluted":true}}', 'the member name "__proto__" is not allowed'],
    ['{"a":[{"\\u005f_proto__":1}]}', 'the member name "__proto__" is not allowed'],
    ["[".repeat(2000), "exceeded max depth"],
    [`${"[".repeat(2000)}${"]".repeat(2000)}`, "exceeded max depth"],
    [`${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`, "exceeded max depth"],
  ])("refuses %s", (text, message) => {
    expect(() => scanJson(text)).toThrow(message);
  });

  it("keeps integers that a double cannot hold", () => {
    const text = '{"a":9007199254740993,"b":[-9223372036854775808],"c":9007199254740991,"d":"1234567890123456789"}';
    const { value, hasLargeNumbers } = scanJson(text);
    expect(hasLargeNumbers).toBe(true);
    expect(JSON.stringify(value)).toBe(text);
    expect(isRawNumber((value as { a: unknown }).a)).toBe(true);
    expect((value as { c: unknown }).c).toBe(9007199254740991);
  });

  it("does not call digits in text a number", () => {
    expect(scanJson('{"a":"12345678901234567890"}')).toEqual({
      value: { a: "12345678901234567890" },
      duplicateFields: [],
      hasLargeNumbers: false,
    });
  });

  it("makes the same value as JSON.parse where it looks for large numbers", () => {
    const text = `{"l":12345678901234567890,"e":"\\u0041\\n\\"","n":[-0,1.5e-3,1E+2,0.1],"t":[true,false,null],"o":{"a":[[],{}]}}`;
    const { value, hasLargeNumbers } = scanJson(text);
    expect(hasLargeNumbers).toBe(true);
    const { l: _l, ...rest } = value as { l: unknown };
    const { l: _rounded, ...expected } = JSON.parse(text) as { l: unknown };
    expect(rest).toEqual(expected);
  });

  const VALUES = '{"a":1},'.repeat(VALUES_MAX);
  it.each([
    ["members", `{${'"a":1,'.repeat(VALUES_MAX + 1)}"b":1}`],
    ["items", `[${"0,".repeat(VALUES_MAX)}0]`],
    ["lists", `[${"[],".repeat(VALUES_MAX)}0]`],
    ["objects in a text that never ends", `[${VALUES}`],
  ])("refuses more %s than there may be before it parses them", (_what, text) => {
    expect(() => scanJson(text)).toThrow(
      new StatusError("RequestEntityTooLarge", "Request entity too large: limit is 40000 fields and items"),
    );
  });

  it("lets commas, colons and brackets in text be", () => {
    const text = JSON.stringify({ a: ",:[{".repeat(VALUES_MAX), b: '\\",'.repeat(VALUES_MAX) });
    expect(scanJson(text).value).toEqual(JSON.parse(text));
  });

  it("tells no more faults than there may be told, and reads no further than the last", () => {
    const text = `{${Array.from({ length: 1_000 }, (_, at) => `"k${at >> 1}":0`).join(",")}}`;
    expect(scanJson(text).duplicateFields).toHaveLength(FAULTS_MAX);
    const visited: string[] = [];
    new JsonScanner('{"a":{"b":1},"c":2,"d":', {
      visit({ of, key }) {
        visited.push(of.pathOf(key));
        return key === "c" ? "stop" : "into";
      },
    }).read();
    expect(visited).toEqual(["a", "a.b", "c"]);
  });

  it("tells unknown and duplicate fields apart, in order, and nothing of what is inside of unknown ones", () => {
    const text = '{"a":1,"u":{"x":1,"x":2},"a":2,"l":[{"b.c":{"u":1}},{"b.c":1,"b.c":2}],"u":3}';
    expect(faultsInOrder(text, ["u", "l[0].b.c"])).toEqual([
      { kind: "unknown", path: "u" },
      { kind: "duplicate", path: "a" },
      { kind: "unknown", path: "l[0].b.c" },
      { kind: "duplicate", path: "l[1].b.c" },
    ]);
  });

  it("reads bytes as UTF-8", () => {
    expect(scanJson(new TextEncoder().encode('{"ä":"€"}')).value).toEqual({ ä: "€" });
  });

  it("agrees with JSON.parse on random texts and on random damage to them", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seeded(seed);
    for (let round = 0; round < 500; round += 1) {
      const text = JSON.stringify(randomValue(random, 4), null, round % 3);
      const at = Math.floor(random() * text.length);
      const damaged = text.slice(0, at) + '{}[]:,"\\0e.x'.charAt(Math.floor(random() * 12)) + text.slice(at + 1);
      for (const candidate of [text, damaged]) {
        let expected: unknown;
        let valid = true;
        try {
          expected = JSON.parse(candidate);
        } catch {
          valid = false;
        }
        const context = `seed ${seed}: ${candidate}`;
        if (valid) expect(JSON.stringify(scanJson(candidate).value), context).toBe(JSON.stringify(expected));
        else expect(() => scanJson(candidate), context).toThrow(/^(invalid character|unexpected end)/);
      }
    }
  });
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomValue(random: () => number, depth: number): unknown {
  const choice = Math.floor(random() * (depth > 0 ? 7 : 5));
  const text = (): string =>
    Array.from({ length: Math.floor(random() * 6) }, () => 'a"\\:{é\n '.charAt(Math.floor(random() * 8))).join("");
  switch (choice) {
    case 0:
      return Math.floor(random() * 1e6) / 100;
    case 1:
      return random() > 0.5;
    case 2:
      return null;
    case 3:
    case 4:
      return text();
    case 5:
      return Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: Math.floor(random() * 4) }, () => [text(), randomValue(random, depth - 1)]),
      );
  }
}
