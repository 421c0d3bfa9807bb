/** LIST: selectors, pages of one snapshot, revisions, tables and metadata. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let nowMs = Date.now();
let api: TestCluster;
const MAPS = "/api/v1/namespaces/lists/configmaps";
const NAMES = ["a", "b", "c", "d", "e", "f", "g"];

async function create(path: string, body: object): Promise<void> {
  const answer = await api.call(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
}

beforeAll(async () => {
  api = await createTestCluster({ platform: { clock: { now: () => nowMs } } });
  for (const name of ["lists", "empty", "many"]) await create("/api/v1/namespaces", { metadata: { name } });
  for (const [index, name] of NAMES.entries()) {
    const labels = { parity: index % 2 === 0 ? "even" : "odd", index: String(index) };
    await create(MAPS, { metadata: { name, labels }, data: { index: String(index) } });
  }
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const names = (list: KubeList): (string | undefined)[] => list.items.map(({ metadata }) => metadata.name);
const list = async (query = "", path = MAPS): Promise<KubeList> => {
  const answer = await api.call<KubeList>(`${path}?${query}`);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
};

describe("list", () => {
  it("answers items without kind, in order, with the newest revision", async () => {
    const body = await list();
    expect(body).toMatchObject({ kind: "ConfigMapList", apiVersion: "v1" });
    expect(names(body)).toEqual(NAMES);
    expect(Object.keys(body.items[0] ?? {})).not.toContain("kind");
    expect(body.metadata.resourceVersion).toBe(String(await api.storage.revision()));
  });

  it("of nothing is an empty array", async () => {
    const { text } = await api.call("/api/v1/namespaces/empty/configmaps");
    expect(text).toContain('"items":[]');
    const body = await list("", "/api/v1/namespaces/empty/configmaps");
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
  });

  it("spans all namespaces, each object with its own", async () => {
    await create("/api/v1/namespaces/many/configmaps", { metadata: { name: "elsewhere" } });
    const body = await list("", "/api/v1/configmaps");
    expect(new Set(body.items.map(({ metadata }) => metadata.namespace))).toEqual(
      new Set(["kube-system", "lists", "many"]),
    );
  });

  it.each([
    ["labelSelector=parity%3Deven", ["a", "c", "e", "g"]],
    ["labelSelector=parity%3D%3Dodd", ["b", "d", "f"]],
    ["labelSelector=parity!%3Deven", ["b", "d", "f"]],
    ["labelSelector=index%20in%20(0,1)", ["a", "b"]],
    ["labelSelector=index%20notin%20(0,1,2,3,4)", ["f", "g"]],
    ["labelSelector=index%3E4", ["f", "g"]],
    ["labelSelector=!parity", []],
    ["labelSelector=parity,index%3D3", ["d"]],
    ["fieldSelector=metadata.name%3Dc", ["c"]],
    ["fieldSelector=metadata.name!%3Dc", ["a", "b", "d", "e", "f", "g"]],
    ["fieldSelector=metadata.namespace%3Dlists", NAMES],
    ["fieldSelector=metadata.namespace%3Dother", []],
  ])("selects by %s", async (query, expected) => {
    expect(names(await list(query))).toEqual(expected);
  });

  it.each([
    "labelSelector=a%3Db%3Dc",
    "labelSelector=in%20(a",
    "fieldSelector=metadata.name",
    "fieldSelector=data.x%3D1",
  ])("refuses %s", async (query) => {
    assertFailure(await api.call(`${MAPS}?${query}`), { code: 400, reason: "BadRequest" });
  });
});

describe("pages", () => {
  it("are of one snapshot, whatever is written meanwhile", async () => {
    const seen: (string | undefined)[] = [];
    let token = "";
    let first = "";
    const remaining: (number | undefined)[] = [];
    do {
      const page = await list(`limit=3${token === "" ? "" : `&continue=${encodeURIComponent(token)}`}`);
      first ||= page.metadata.resourceVersion ?? "";
      expect(page.metadata.resourceVersion).toBe(first);
      seen.push(...names(page));
      remaining.push(page.metadata.remainingItemCount);
      token = page.metadata.continue ?? "";
      await create(MAPS, { metadata: { name: `c-new-${seen.length}` } });
    } while (token !== "");
    expect(seen).toEqual(NAMES);
    expect(remaining).toEqual([4, 1, undefined]);
    for (const count of [3, 6, 7]) await api.call(`${MAPS}/c-new-${count}`, { method: "DELETE" });
  });

  it("do not count what remains when a selector is given", async () => {
    const page = await list("limit=1&labelSelector=parity%3Deven");
    expect(names(page)).toEqual(["a"]);
    expect(page.metadata.continue).toBeDefined();
    expect(page.metadata.remainingItemCount).toBeUndefined();
  });

  it("refuse a token that nobody gave out", async () => {
    for (const token of ["xyz", btoa("{}"), btoa('{"rv":1}')]) {
      const answer = await api.call(`${MAPS}?limit=1&continue=${token}`);
      assertFailure(answer, { code: 400, reason: "BadRequest", message: /invalid continue token/ });
    }
  });

  it("expire with their snapshot, also where nothing is written, and go on from a fresh token", async () => {
    const page = await list("limit=3");
    nowMs += 6 * 60_000;
    const answer = await api.call(`${MAPS}?limit=3&continue=${page.metadata.continue}`);
    const status = assertFailure(answer, {
      code: 410,
      reason: "Expired",
      message: /The provided continue parameter is too old/,
    });
    const fresh = status.metadata.continue ?? "";
    expect(fresh).not.toBe("");
    const rest = await list(`limit=10&continue=${fresh}`);
    expect(names(rest)).toEqual(["d", "e", "f", "g"]);
    expect(rest.metadata.resourceVersion).not.toBe(page.metadata.resourceVersion);
  });

  it("expire when the snapshot has been compacted", async () => {
    const page = await list("limit=3");
    await create(MAPS, { metadata: { name: "zz" } });
    await api.call(`${MAPS}/zz`, { method: "DELETE" });
    const floor = await api.storage.revision();
    while (!(await api.storage.compact({ floor, limit: 500 })).done);
    const answer = await api.call(`${MAPS}?limit=3&continue=${page.metadata.continue}`);
    const status = assertFailure(answer, { code: 410, reason: "Expired" });
    expect(names(await list(`limit=10&continue=${status.metadata.continue}`))).toEqual(["d", "e", "f", "g"]);
  });
});

describe("revisions", () => {
  it("show the past exactly, and at least what was asked for", async () => {
    const before = (await list()).metadata.resourceVersion ?? "";
    await create(MAPS, { metadata: { name: "later" } });
    expect(names(await list(`resourceVersion=${before}&resourceVersionMatch=Exact`))).toEqual(NAMES);
    expect(names(await list(`resourceVersion=${before}&limit=20`))).toEqual(NAMES);
    expect(names(await list(`resourceVersion=${before}&resourceVersionMatch=NotOlderThan`))).toContain("later");
    expect(names(await list(`resourceVersion=${before}`))).toContain("later");
    expect(names(await list("resourceVersion=0"))).toContain("later");
    await api.call(`${MAPS}/later`, { method: "DELETE" });
  });

  it("that are not there yet are a 504 with the cause that clients know", async () => {
    const current = await api.storage.revision();
    for (const query of [
      `resourceVersion=${current + 1000}`,
      `resourceVersion=${current + 1000}&resourceVersionMatch=NotOlderThan`,
      `resourceVersion=${current + 1000}&resourceVersionMatch=Exact`,
    ]) {
      const status = assertFailure(await api.call(`${MAPS}?${query}`), {
        code: 504,
        reason: "Timeout",
        message: `Timeout: Too large resource version: ${current + 1000}, current: ${current}`,
      });
      expect(status.details).toEqual({
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1,
      });
    }
    const one = await api.call(`${MAPS}/a?resourceVersion=${current + 1000}`);
    assertFailure(one, { code: 504, reason: "Timeout" });
  });

  it.each([
    ["resourceVersionMatch=Exact", 422],
    ["resourceVersion=0&resourceVersionMatch=Exact", 422],
    ["resourceVersion=1&resourceVersionMatch=Sometimes", 422],
    ["sendInitialEvents=true", 422],
    ["resourceVersion=abc", 400],
    ["limit=x", 400],
  ])("refuse %s with %d", async (query, code) => {
    assertFailure(await api.call(`${MAPS}?${query}`), { code, reason: code === 422 ? "Invalid" : "BadRequest" });
  });
});

describe("forms", () => {
  const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  interface Table {
    kind: string;
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[]; object?: KubeObject }[];
    metadata: { continue?: string; resourceVersion?: string };
  }

  it("as a table, with cells, ages and metadata", async () => {
    const { body, headers } = await api.call<Table>(`${MAPS}?limit=2`, { headers: { accept: TABLE } });
    expect(headers.get("content-type")).toContain("application/json");
    expect(body.kind).toBe("Table");
    const columns = body.columnDefinitions.map(({ name }) => name);
    expect(columns[0]).toBe("Name");
    expect(columns.at(-1)).toBe("Age");
    expect(body.rows.map(({ cells }) => cells[0])).toEqual(["a", "b"]);
    expect(body.rows[0]?.cells.at(-1)).toMatch(/^\d+[smh]/);
    expect(body.rows[0]?.object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
    expect(body.metadata.continue).toBeDefined();
    const none = await api.call<Table>(`${MAPS}/a?includeObject=None`, { headers: { accept: TABLE } });
    expect(none.body.rows).toHaveLength(1);
    expect(none.body.rows[0]?.object).toBeUndefined();
    const whole = await api.call<Table>(`${MAPS}/a?includeObject=Object`, { headers: { accept: TABLE } });
    expect(whole.body.rows[0]?.object).toMatchObject({ kind: "ConfigMap", data: { index: "0" } });
    assertFailure(await api.call(`${MAPS}/a?includeObject=Some`, { headers: { accept: TABLE } }), {
      code: 400,
      reason: "BadRequest",
    });
  });

  it("as metadata alone", async () => {
    const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const { body } = await api.call<KubeList>(`${MAPS}?limit=1`, { headers: { accept } });
    expect(body).toMatchObject({ kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" });
    expect(body.items[0]).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
    expect(body.items[0]?.["data"]).toBeUndefined();
  });

  it("as YAML, and indented", async () => {
    const yaml = await api.call(`${MAPS}/a`, { headers: { accept: "application/yaml" } });
    expect(yaml.headers.get("content-type")).toBe("application/yaml");
    expect(yaml.text).toMatch(/^kind: ConfigMap$/m);
    const pretty = await api.call(`${MAPS}/a?pretty=true`);
    expect(pretty.text).toContain('{\n  "kind": "ConfigMap"');
  });

  it("that nobody serves are refused", async () => {
    assertFailure(await api.call(MAPS, { headers: { accept: "text/html" } }), { code: 406, reason: "NotAcceptable" });
  });

  it("compressed when large and accepted", async () => {
    const maps = "/api/v1/namespaces/many/configmaps";
    for (let i = 0; i < 3; i++)
      await create(maps, { metadata: { name: `big-${i}` }, data: { text: "x".repeat(60_000) } });
    const plain = await api.fetch(maps);
    expect(plain.headers.get("content-encoding")).toBeNull();
    const expected = await plain.text();
    const packed = await api.fetch(maps, { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    const bytes = new Uint8Array(await packed.arrayBuffer());
    expect(bytes.length).toBeLessThan(expected.length / 2);
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    expect(await new Response(unpacked).text()).toBe(expected);
    const small = await api.fetch(`${MAPS}?limit=1`, { headers: { "accept-encoding": "gzip" } });
    expect(small.headers.get("content-encoding")).toBeNull();
    await small.body?.cancel();
  });
});
