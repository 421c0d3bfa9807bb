/**
 * YAML that is small and means much: aliases of aliases, merges of merges, tags that make objects, keys that are prototypes. A bomb that
 * goes off takes more memory and time than there is, so that these tests would not end; what is refused is refused with a Status. What
 * each costs in CPU time is held by test/api/cpu-bound.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Status } from "../../src/machinery/status-error.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bomb\n";

let api: TestCluster;
let before: number;
beforeAll(async () => {
  api = await createTestCluster();
  await api.call(MAPS, { method: "POST", body: { metadata: { name: "target" }, data: { a: "1" } } });
  before = await api.storage.revision();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  expect(await api.storage.revision(), "something was written").toBe(before);
  await api.stop();
});

const levels = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at + 1)).join("\n");
const nine = (what: string): string => Array.from({ length: 9 }, () => what).join(", ");

const BOMBS: Record<string, string> = {
  "a billion laughs": `${HEAD}l0: &l0 [lol]\n${levels(12, (at) => `l${at}: &l${at} [${nine(`*l${at - 1}`)}]`)}`,
  "a billion laughs of maps": `${HEAD}l0: &l0 {a: lol}\n${levels(12, (at) => `l${at}: &l${at} {${["a", "b", "c", "d", "e", "f", "g"].map((key) => `${key}: *l${at - 1}`).join(", ")}}`)}`,
  "laughs where strings are expected": `${HEAD}data:\n  l0: &l0 lol\n${levels(40, (at) => `  l${at}: &l${at} [*l${at - 1}, *l${at - 1}]`)}`,
  "laughs in the labels": `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bomb\n  labels:\n    a: &l0 [lol]\n${levels(30, (at) => `    l${at}: &l${at} [*l${at - 1}, *l${at - 1}]`)}`,
  "laughs as keys": `${HEAD}l0: &l0 [a, b]\n${levels(30, (at) => `? &l${at} [*l${at - 1}, *l${at - 1}]\n: 1`)}`,
  "merges of merges": `${HEAD}m0: &m0 {a: 1}\n${levels(40, (at) => `m${at}: &m${at}\n  <<: [*m${at - 1}, *m${at - 1}]\n  k${at}: *m${at - 1}`)}`,
  "an alias of itself": `${HEAD}u: &u [*u]`,
  "a map in itself": `${HEAD}u: &u\n  v: *u`,
  "a merge of itself": `${HEAD}u: &u\n  <<: *u`,
  "one anchor for many": `${HEAD}${levels(2_000, (at) => `u${at}: &same [${at === 1 ? "1" : "*same, *same"}]`)}`,
  "a quoted string that grows": `${HEAD}u: "${"\\\n".repeat(200_000)}"`,
  "a number as long as a book": `${HEAD}data:\n  a: ${"9".repeat(500_000)}`,
  "sexagesimal numbers": `${HEAD}u: [${Array.from({ length: 20_000 }, () => "1:1:1:1").join(",")}]\ndata: 1`,
  "indentation without an end": `${HEAD}u:\n${levels(1_400, (at) => `${" ".repeat(at)}a:`)}`,
  "a flow without an end": `${HEAD}u: ${"[".repeat(500_000)}`,
  "a flow of maps without an end": `${HEAD}u: ${"{a: ".repeat(200_000)}`,
  "questions without an end": `${HEAD}${"? ".repeat(300_000)}a`,
  "dashes without an end": `${HEAD}u:\n  ${"- ".repeat(300_000)}a`,
};

const STRANGE: Record<string, string> = {
  "an object of JavaScript's": `${HEAD}data:\n  a: !!js/function "function () { return 1 }"`,
  "a pattern of JavaScript's": `${HEAD}data:\n  a: !!js/regexp /x/`,
  "undefined of JavaScript's": `${HEAD}data: !!js/undefined ''`,
  "an object of Python's": `${HEAD}data:\n  a: !!python/object/apply:os.system ["id"]`,
  "an object of Ruby's": `${HEAD}data: !ruby/object:Gem::Installer {}`,
  "an object of Java's": `${HEAD}data: !!javax.script.ScriptEngineManager []`,
  "an included file": `${HEAD}data:\n  a: !include /etc/passwd`,
  "binary data that is none": `${HEAD}data:\n  a: !!binary "%%%"`,
  "a directive": `%YAML 9.9\n%TAG ! tag:evil.test,2026:\n---\n${HEAD}data: !x 1`,
  "a document type": `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n${HEAD}`,
  "no text": "\u0000\u0001\u0002",
  "half a pair": "a: \ud800",
};

const WAYS: [string, (body: string) => Promise<{ status: number; text: string; body: unknown }>][] = [
  ["a POST", (body) => send("POST", `${MAPS}?dryRun=All&fieldValidation=Strict`, body, "application/yaml")],
  ["a PUT", (body) => send("PUT", `${MAPS}/target?dryRun=All&fieldValidation=Strict`, body, "application/yaml")],
  [
    "an apply",
    (body) =>
      send(
        "PATCH",
        `${MAPS}/bomb?dryRun=All&fieldManager=x&fieldValidation=Strict`,
        body,
        "application/apply-patch+yaml",
      ),
  ],
  [
    "a review",
    (body) =>
      send("POST", "/apis/authentication.k8s.io/v1/tokenreviews?fieldValidation=Strict", body, "application/yaml"),
  ],
];

const send = (method: string, path: string, body: string, type: string) =>
  api.call(path, { method, body, headers: { "content-type": type } });

describe.each(WAYS)("in %s", (_way, ask) => {
  it.each(Object.entries({ ...BOMBS, ...STRANGE }))("%s is refused", async (_name, body) => {
    const answer = await ask(body);
    expect([400, 413, 422], answer.text).toContain(answer.status);
    expect((answer.body as Status).kind).toBe("Status");
    // What is said of it is no bomb either.
    expect(answer.text.length).toBeLessThan(100_000);
    expect(answer.text).not.toContain("root:");
  });
});

describe("a key that every object of JavaScript has", () => {
  it.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])(
    "%s is one like others",
    async (key) => {
      for (const [type, body] of [
        ["application/yaml", `${HEAD}data:\n  ${key}: polluted\n`],
        ["application/yaml", `${HEAD}data:\n  <<: {${key}: polluted}\n`],
        ["application/yaml", `${HEAD}${key}:\n  polluted: "yes"\n`],
        [
          "application/json",
          `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bomb"},"${key}":{"polluted":"yes"}}`,
        ],
        [
          "application/json",
          `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bomb"},"data":{"${key}":"polluted"}}`,
        ],
      ] as const) {
        const answer = await send("POST", `${MAPS}?dryRun=All`, body, type);
        expect([201, 400, 422], answer.text).toContain(answer.status);
        expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
        expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
      }
      for (const type of ["application/merge-patch+json", "application/strategic-merge-patch+json"]) {
        const patch = `{"${key}":{"polluted":"yes"},"data":{"${key}":"x"},"metadata":{"${key}":{"polluted":"yes"}}}`;
        const answer = await send("PATCH", `${MAPS}/target?dryRun=All`, patch, type);
        expect([200, 400, 422], answer.text).toContain(answer.status);
      }
      const pointer = `[{"op":"add","path":"/${key}/polluted","value":"yes"},{"op":"add","path":"/data/${key}","value":"x"}]`;
      const answer = await send("PATCH", `${MAPS}/target?dryRun=All`, pointer, "application/json-patch+json");
      expect([200, 400, 422], answer.text).toContain(answer.status);
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
      expect(typeof {}.toString).toBe("function");
    },
  );
});
