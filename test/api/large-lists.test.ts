/** LIST of more than is read at once: one snapshot, whole, in every form. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList } from "../../src/machinery/meta.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";

const COUNT = 2_345;
const MAPS = "/api/v1/namespaces/large/configmaps";
const NAMES = Array.from({ length: COUNT }, (_, index) => `map-${String(index).padStart(5, "0")}`);
let api: TestCluster;

beforeAll(async () => {
  api = await createTestCluster();
  const answer = await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name: "large" } } });
  if (answer.status !== 201) throw new Error(answer.text);
  const written = await Promise.all(NAMES.map((name) => write(name)));
  expect(written.every(({ ok }) => ok)).toBe(true);
}, 60_000);
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

/** Past admission, which is not what this is about. */
async function write(name: string) {
  const labels = { last: name.slice(-1) };
  const uid = `uid-${name}`;
  const object = { metadata: { name, namespace: "large", uid, labels }, data: { text: name.repeat(10) } };
  return await api.hub.write({
    op: "create",
    resource: "configmaps",
    namespace: "large",
    name,
    uid,
    labels,
    fields: {},
    form: "v1/1",
    writeId: crypto.randomUUID(),
    value: JSON.stringify(object),
  });
}

const as = (kind: string) => ({ headers: { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` } });
const names = (list: KubeList): string[] => list.items.map(({ metadata }) => metadata.name ?? "");

describe("a list without limit", () => {
  it("is whole and in order, without a token", async () => {
    const { body } = await api.call<KubeList>(MAPS);
    expect(body).toMatchObject({ kind: "ConfigMapList", apiVersion: "v1" });
    expect(names(body)).toEqual(NAMES);
    expect(body.metadata).toEqual({ resourceVersion: String(await api.storage.revision()) });
    // From memory, where there is one, it is the same.
    expect((await api.call<KubeList>(MAPS)).body).toEqual(body);
  });

  it.each(["labelSelector=last%20in%20(1,2,3,4,5,6,7)", "labelSelector=last%3D5"])("selects by %s", async (query) => {
    const wanted = query.endsWith("5") ? /5$/ : /[1-7]$/;
    const { body } = await api.call<KubeList>(`${MAPS}?${query}`);
    expect(names(body)).toEqual(NAMES.filter((name) => wanted.test(name)));
  });

  it("shows one state, whatever is written while it is read", async () => {
    const response = await api.fetch(MAPS);
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = decoder.decode((await reader?.read())?.value, { stream: true });
    await api.call(`${MAPS}/${NAMES.at(-1)}`, { method: "DELETE" });
    await api.call(MAPS, { method: "POST", body: { metadata: { name: "map-00000x" } } });
    await api.call(MAPS, { method: "POST", body: { metadata: { name: "zzz" } } });
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      text += decoder.decode(part.value, { stream: true });
    }
    expect(names(JSON.parse(text) as KubeList)).toEqual(NAMES);
    for (const name of ["map-00000x", "zzz"]) await api.call(`${MAPS}/${name}`, { method: "DELETE" });
    await write(NAMES.at(-1) ?? "");
  });

  it("is compressed for who takes it", async () => {
    const packed = await api.fetch(MAPS, { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    const unpacked = packed.body?.pipeThrough(new DecompressionStream("gzip"));
    const list = (await new Response(unpacked).json()) as KubeList;
    expect(names(list)).toEqual(NAMES);
  });

  it("is whole as a table, as metadata, as YAML and indented", async () => {
    const table = await api.call<{ rows: { cells: unknown[] }[]; columnDefinitions: unknown[] }>(MAPS, as("Table"));
    expect(table.body.rows.map(({ cells }) => cells[0])).toEqual(NAMES);
    expect(table.body.columnDefinitions.length).toBeGreaterThan(0);
    const partial = await api.call<KubeList>(MAPS, as("PartialObjectMetadataList"));
    expect(partial.body).toMatchObject({ kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" });
    expect(names(partial.body)).toEqual(NAMES);
    expect(partial.body.items[0]).toMatchObject({ kind: "PartialObjectMetadata" });
    const yaml = await api.call(MAPS, { headers: { accept: "application/yaml" } });
    expect(yaml.text.match(/^ +name: map-\d+$/gm)).toHaveLength(COUNT);
    const pretty = await api.call<KubeList>(`${MAPS}?pretty=true`);
    expect(names(pretty.body)).toEqual(NAMES);
  });

  it("can be left", async () => {
    const response = await api.fetch(MAPS);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect((await api.call<KubeList>(`${MAPS}?limit=1`)).status).toBe(200);
  });

  it("breaks off when its state is forgotten, rather than end as if it were whole", async () => {
    const response = await api.fetch(MAPS);
    const reader = response.body?.getReader();
    await reader?.read();
    await api.call(MAPS, { method: "POST", body: { metadata: { name: "other" } } });
    await api.call(`${MAPS}/other`, { method: "DELETE" });
    const floor = await api.storage.revision();
    while (!(await api.storage.compact({ floor, limit: 500 })).done);
    const readOn = async () => {
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read());
    };
    await expect(readOn()).rejects.toThrow();
  });
});

it("pages of any size are the same list", async () => {
  for (const limit of [500, 1_000, 2_345, 5_000]) {
    const seen: string[] = [];
    let token = "";
    do {
      const query = new URLSearchParams({ limit: String(limit), ...(token === "" ? {} : { continue: token }) });
      const { body } = await api.call<KubeList>(`${MAPS}?${query}`);
      seen.push(...names(body));
      const left = COUNT - seen.length;
      expect(body.metadata.remainingItemCount).toBe(left > 0 ? left : undefined);
      token = body.metadata.continue ?? "";
    } while (token !== "");
    expect(seen).toEqual(NAMES);
  }
});
