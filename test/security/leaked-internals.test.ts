/**
 * What an answer tells of the inside: nothing. The database fails by chance, before, in and after what it is asked; bodies are nonsense; and
 * no answer, header or event of a watch holds a stack, a path of a file, a word of SQL or the text of an internal error. What was logged
 * has it all.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DatabaseError, type Statement } from "../../src/storage/database.ts";
import { StorageError } from "../../src/storage/errors.ts";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { createFaultyDatabase, type Fault, type FaultyDatabase } from "../harness/faulty-database.ts";
import { HOSTILE_REQUESTS } from "../harness/hostile/index.ts";
import { make } from "../harness/grants.ts";
import { agentsWithoutSockets, joined } from "../harness/machines.ts";
import { createDice, type Dice } from "../harness/seeded.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const SEED = 20_261_127;
const TRIES = 120;
const CORE = "/api/v1/namespaces/default";
/** In the message of what the database throws. */
const INSIDE = "SQLITE_INTERNAL: near SELECT value FROM log at /srv/gantry/src/storage/sql-log.ts:12:34";

/** Each would be a leak. */
const LEAKS: [string, RegExp][] = [
  ["a stack", /\n\s*at |\bat [\w.<>]+ \(|(?:file:\/\/|node:internal)[^\s"]*:\d+/],
  ["a path of a file", /\/(?:src|srv|home|usr|tmp|work|node_modules)\/|\.(?:ts|js|mjs|wasm|db):\d+|[A-Z]:\\/],
  [
    "SQL",
    /SQLITE|\b(?:SELECT|INSERT|UPDATE|DELETE)\s+(?:\w+\s+)?(?:FROM|INTO|SET|value)|\bWHERE\b.*[=?]|\blibsql\b|sqld/i,
  ],
  [
    "an error of JavaScript's",
    /\b(?:Type|Range|Reference|Syntax|Database|Storage)Error\b|undefined is not|Cannot read prop|is not a function|\[object /,
  ],
  ["a column of a table", /\bsuperseded\b|\bcompact_floor\b/],
];

let faulty: FaultyDatabase;
let api: TestCluster;
let credential: string;
let close: () => Promise<void>;
let dice: Dice;
/** Of a hundred batches. */
let failing = 0;

beforeAll(async () => {
  const opened = await testRuntime.openDatabase();
  close = () => opened.close();
  dice = createDice(SEED);
  faulty = createFaultyDatabase(opened.database);
  const told = faulty.batch.bind(faulty);
  // As a driver's own words: it is what a careless answer would show.
  faulty.batch = async (statements: readonly Statement[], mode) => {
    try {
      return await told(statements, mode);
    } catch (error) {
      const { outcomeUnknown = false } = error as { outcomeUnknown?: boolean };
      throw new DatabaseError(INSIDE, { outcomeUnknown, cause: new Error(INSIDE) });
    }
  };
  api = await createTestCluster({ database: faulty, audited: true, agents: agentsWithoutSockets() });
  await make(api, `${CORE}/serviceaccounts`, { metadata: { name: "default" } });
  await make(api, `${CORE}/configmaps`, { metadata: { name: "a" }, data: { k: "v" } });
  ({ credential } = await joined(api, "n1"));
  const faults: readonly Fault[] = ["answer-lost", "request-lost", "refused"];
  faulty.fault = () => (dice.roll(100) < failing ? dice.pick(faults) : undefined);
}, 60_000);
afterAll(async () => {
  failing = 0;
  await api.stop();
  await close();
});

function leaksOf(text: string): string[] {
  return LEAKS.filter(([, pattern]) => pattern.test(text)).map(([name]) => name);
}

function assertTight(what: string, answer: { headers: Headers; text: string }, sent = ""): void {
  const shown = [...answer.headers].map((pair) => pair.join(": ")).join("\n");
  // What the client has said itself may come back to it.
  const own = leaksOf(sent);
  const found = [...leaksOf(answer.text), ...leaksOf(shown)].filter((leak) => !own.includes(leak));
  expect(found, `${what}\n${answer.text.slice(0, 2_000)}\n${shown}`).toEqual([]);
}

const MERGE = { "content-type": "application/merge-patch+json" };
const APPLY = { "content-type": "application/apply-patch+yaml" };

function requests(at: number): [string, TestRequest][] {
  const name = `m${at}`;
  const map = { metadata: { name }, data: { k: String(at) } };
  const whole = { apiVersion: "v1", kind: "ConfigMap", ...map };
  const sync = { since: 0, digest: "", podStatuses: [], holds: { secrets: [], configMaps: [] }, nodeStatus: { a: at } };
  return [
    [`${CORE}/configmaps`, { method: "POST", body: map }],
    [`${CORE}/configmaps/a`, {}],
    [`${CORE}/configmaps/a`, { method: "PUT", body: { ...map, metadata: { name: "a" } } }],
    [`${CORE}/configmaps/a`, { method: "PATCH", body: { data: { k: String(at) } }, headers: MERGE }],
    [`${CORE}/configmaps/${name}?fieldManager=x`, { method: "PATCH", body: whole, headers: APPLY }],
    [`${CORE}/configmaps/${name}`, { method: "DELETE" }],
    [`${CORE}/configmaps?labelSelector=a`, { method: "DELETE" }],
    [`${CORE}/configmaps?limit=2`, {}],
    ["/api/v1/configmaps", { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } }],
    [`${CORE}/configmaps?watch=true&timeoutSeconds=1`, {}],
    [`${CORE}/configmaps?watch=true&timeoutSeconds=1&resourceVersion=1`, {}],
    [`${CORE}/configmaps?resourceVersion=1&resourceVersionMatch=Exact`, {}],
    [`${CORE}/secrets`, { method: "POST", body: { metadata: { name }, stringData: { k: "v" } } }],
    [
      `${CORE}/pods`,
      { method: "POST", body: { metadata: { name }, spec: { containers: [{ name: "a", image: "i" }] } } },
    ],
    [`${CORE}/services`, { method: "POST", body: { metadata: { name }, spec: { ports: [{ port: 80 }] } } }],
    [`${CORE}/serviceaccounts/default/token`, { method: "POST", body: {} }],
    [
      "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
      { method: "POST", body: { spec: { namespace: "default" } } },
    ],
    ["/api/v1/namespaces", { token: "nonsense" }],
    ["/api/v1/namespaces", { headers: { "Impersonate-User": `u${at}` } }],
    ["/api/v1/namespaces", { token: credential }],
    ["/agent/v1/sync", { method: "POST", token: credential, body: sync }],
    ["/agent/v1/join", { method: "POST", token: "abcdef.0123456789abcdef", body: {} }],
    ["/audit", {}],
    ["/readyz?verbose", {}],
    ["/metrics", {}],
  ];
}

/** An answer that has begun and cannot go on is cut off: its end is no answer. */
async function askedOf(path: string, init: TestRequest): Promise<{ status: number; headers: Headers; text: string }> {
  const { status, headers, body } = await api.fetch(path, init);
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body ?? []) text += decoder.decode(chunk, { stream: true });
  } catch (error) {
    expect(error instanceof StorageError, String(error)).toBe(true);
  }
  return { status, headers, text };
}

describe("no answer tells of the inside", () => {
  it.each(HOSTILE_REQUESTS.filter((_, at) => at % 3 === 0).map((one) => [one.name, one] as const))(
    "to %s",
    async (_name, request) => {
      const { path } = request;
      const sent = request.init();
      const body = typeof sent.body === "string" ? sent.body.slice(0, 10_000) : "";
      assertTight(path.slice(0, 200), await api.call(path, sent), body + path);
    },
  );

  it.each<[string, string, TestRequest]>([
    ["no JSON", `${CORE}/configmaps`, { method: "POST", body: "{" }],
    [
      "no protobuf",
      `${CORE}/configmaps`,
      {
        method: "POST",
        body: new Uint8Array([107, 56, 115, 0, 255, 255, 255]),
        headers: { "content-type": "application/vnd.kubernetes.protobuf" },
      },
    ],
    [
      "no YAML",
      `${CORE}/configmaps`,
      { method: "POST", body: "a: [", headers: { "content-type": "application/yaml" } },
    ],
    [
      "no patch",
      `${CORE}/configmaps/a`,
      { method: "PATCH", body: "[{}]", headers: { "content-type": "application/json-patch+json" } },
    ],
    ["no continue token", `${CORE}/configmaps?continue=e30`, {}],
    ["no revision", `${CORE}/configmaps?resourceVersion=x`, {}],
    ["no selector", `${CORE}/configmaps?labelSelector=%27%20OR%201%3D1--`, {}],
    ["a quote in a name", `${CORE}/configmaps/a'%20OR%20'1'='1`, {}],
    ["a quote in a selector", `${CORE}/configmaps?fieldSelector=metadata.name%3D%27%3B`, {}],
    ["no gzip", `${CORE}/configmaps`, { method: "POST", body: "x", headers: { "content-encoding": "gzip" } }],
    ["no path", "/nothing/../..//%00", {}],
    ["no method", `${CORE}/configmaps`, { method: "PROPFIND" }],
  ])("to %s", async (_name, path, init) => {
    const answer = await api.call(path, init);
    assertTight(path, answer, path);
    expect(answer.status).toBeLessThan(500);
  });

  it(`when the database fails by chance, seed ${SEED}`, { timeout: 240_000 }, async () => {
    failing = 30;
    const statuses = new Map<number, number>();
    for (let at = 0; at < TRIES; at += 1) {
      const [path, init] = dice.pick(requests(at));
      const answer = await askedOf(path, init);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (path !== "/metrics") assertTight(`${init.method ?? "GET"} ${path}`, answer);
    }
    failing = 0;
    // It has failed, and it has worked: of both there was something to see.
    expect((statuses.get(503) ?? 0) + (statuses.get(500) ?? 0), JSON.stringify([...statuses])).toBeGreaterThan(
      TRIES / 20,
    );
    expect((statuses.get(200) ?? 0) + (statuses.get(201) ?? 0)).toBeGreaterThan(TRIES / 20);
  });

  it("when the database always fails", async () => {
    failing = 100;
    for (const [path, init] of requests(100_000)) {
      // A write whose outcome nobody knows is looked for again and again.
      if (path === "/metrics" || init.method !== undefined) continue;
      assertTight(path, await askedOf(path, init));
    }
    failing = 0;
  });
});

describe("the leaks that are looked for", () => {
  it.each([
    INSIDE,
    "Error: x\n    at Object.get (/home/x/src/app.ts:1:2)",
    "TypeError: Cannot read properties of undefined",
    "SELECT value FROM log WHERE revision = ?",
    "no such table: log; UPDATE log SET superseded = 1",
  ])("would be found: %s", (text) => {
    expect(leaksOf(text)).not.toEqual([]);
  });
});
