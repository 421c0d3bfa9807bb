/** What `kubectl get` and `kubectl get -o wide` show of each kind, cell by cell, with a status as its controller would write it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KindDefinition } from "../../src/registry/kind.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { columns } from "../manifests/columns.ts";
import { manifests, type Manifest } from "../manifests/index.ts";
import { statuses } from "../manifests/statuses.ts";

interface Table {
  columnDefinitions: { name: string; priority: number }[];
  rows: { cells: unknown[] }[];
}

let api: TestCluster;
let aheadMs = 0;
const START_MS = Date.parse("2026-07-01T12:00:00Z");
beforeAll(async () => {
  api = await createTestCluster({ platform: { clock: { now: () => START_MS + aheadMs } } });
  for (const namespace of ["default", "kube-system"]) {
    const body = { metadata: { name: "default" } };
    await api.call(`/api/v1/namespaces/${namespace}/serviceaccounts`, { method: "POST", body });
  }
});
afterAll(async () => await api.stop());

const creatable = kinds.filter(({ verbs }) => verbs.includes("create") && verbs.includes("get"));

/** The first of the manifests that is of the kind. */
function exampleOf({ group, version, kind }: KindDefinition): Manifest["object"] | undefined {
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return manifests.find(({ object }) => object.apiVersion === apiVersion && object.kind === kind)?.object;
}

/** Both forms of the example, as kubectl would print them but for the widths of columns. */
async function shown(kind: KindDefinition): Promise<{ get: string[]; wide: string[] }> {
  const object = exampleOf(kind);
  const { name = "", namespace = "default" } = object?.metadata ?? {};
  const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const collection = `${base}${kind.namespaced ? `/namespaces/${namespace}` : ""}/${kind.plural}`;
  const path = `${collection}/${name}`;
  aheadMs = 0;
  const made = await api.call(collection, { method: "POST", body: object });
  if (made.status !== 201) throw new Error(made.text);
  const status = statuses[`${kind.group}/${kind.plural}`];
  if (status) {
    const headers = { "content-type": "application/merge-patch+json" };
    const patched = await api.call(`${path}/status`, { method: "PATCH", headers, body: { status } });
    if (patched.status !== 200) throw new Error(patched.text);
  }
  // Some time later, so that ages are seen.
  aheadMs = 26 * 3_600_000;
  const { body } = await api.call<Table>(path, { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } });
  const text = (isShown: (priority: number) => boolean) => {
    const at = body.columnDefinitions.flatMap(({ priority }, index) => (isShown(priority) ? [index] : []));
    const header = at.map((index) => body.columnDefinitions[index]?.name.toUpperCase());
    const cells = at.map((index) => settled(String(body.rows[0]?.cells[index])));
    return [header.join("  "), cells.join("  ")];
  };
  return { get: text((priority) => priority === 0), wide: text(() => true) };
}

/** What is drawn or allocated differs from run to run. */
function settled(cell: string): string {
  return cell
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, "UID")
    .replace(/^10\.(9[6-9]|1[01]\d)\.\d+\.\d+$/, (address) => (address === "10.96.9.9" ? address : "CLUSTER-IP"));
}

const keyOf = ({ group, version, plural }: KindDefinition) => `${group}/${version}/${plural}`;

it("every kind that can be created is here", () => {
  expect(Object.keys(columns).toSorted()).toEqual(creatable.map(keyOf).toSorted());
});

describe("get, and get -o wide", () => {
  it.each(creatable.map((kind) => [keyOf(kind), kind] as const))("%s", async (key, kind) => {
    const expected = columns[key];
    const { get, wide } = await shown(kind);
    expect(get).toEqual(expected?.get);
    expect(wide).toEqual(expected?.wide ?? expected?.get);
  });
});

const AS_TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

describe("tables", () => {
  it("say of pods that have ended that they are completed", async () => {
    const collection = "/api/v1/namespaces/default/pods";
    const body = { metadata: { name: "ended" }, spec: { containers: [{ name: "c", image: "i" }] } };
    await api.call(collection, { method: "POST", body });
    const headers = { "content-type": "application/merge-patch+json" };
    await api.call(`${collection}/ended/status`, {
      method: "PATCH",
      headers,
      body: { status: { phase: "Succeeded" } },
    });
    const table = await api.call<{ rows: object[] }>(`${collection}/ended`, { headers: AS_TABLE });
    const conditions = [
      { type: "Completed", status: "True", reason: "Succeeded", message: "The pod has completed successfully." },
    ];
    expect(table.body.rows).toMatchObject([{ conditions }]);
    await api.call(`${collection}/ended?gracePeriodSeconds=0`, { method: "DELETE" });
  });

  it("have flow schemas in the order in which they match", async () => {
    const path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
    const { body } = await api.call<Table>(path, { headers: AS_TABLE });
    const at = body.columnDefinitions.findIndex(({ name }) => name === "MatchingPrecedence");
    const found = body.rows.map(({ cells }) => Number(cells[at]));
    expect(found.length).toBeGreaterThan(5);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  it("are made of scales", async () => {
    const collection = "/apis/apps/v1/namespaces/default/deployments";
    const labels = { app: "scaled" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };
    const spec = { replicas: 3, selector: { matchLabels: labels }, template };
    await api.call(collection, { method: "POST", body: { metadata: { name: "scaled" }, spec } });
    const { body } = await api.call<Table>(`${collection}/scaled/scale`, { headers: AS_TABLE });
    expect(body.columnDefinitions.map(({ name }) => name)).toEqual(["Name", "Desired", "Available", "Age"]);
    expect(body.rows).toMatchObject([{ cells: ["scaled", 3, 0, expect.any(String)] }]);
    await api.call(`${collection}/scaled`, { method: "DELETE" });
  });
});
