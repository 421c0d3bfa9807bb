/**
 * What a node needs to know: first its reports are written, then it is told what changed since the revision it names. The answer is the
 * state at one revision or later; what is sent twice does no harm, because agents apply whole objects.
 *
 * Reads, when nothing has to be written: one for the changes, one round of two for its pods and the nodes (the first at exactly the
 * revision of the changes), then one for each Secret or ConfigMap it lacks.
 */
import type { NodeIdentity } from "../authn/node-credential.ts";
import type { Client } from "../client/client.ts";
import { apiVersionOf } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { Log } from "../platform/platform.ts";
import { StorageError } from "../storage/errors.ts";
import type { ListPage, LogEntry, ObjectKey, StorageReader, StorageWriter, StoredObject } from "../storage/storage.ts";
import { headOf, renderObject } from "../storage/stored-value.ts";
import { assertOwner } from "./join.ts";
import { nodeRoute } from "./node-route.ts";
import { podReferences } from "../kinds/core/pods/pod-references.ts";
import type { ObjectName, SyncRequest, SyncResponse } from "./protocol.ts";
import { writeNodeStatus, writePodStatuses } from "./status-writes.ts";

/** `changes` makes syncs incremental; without it each is full. */
export type SyncReader = StorageReader & Partial<Pick<StorageWriter, "changes">>;

export interface SyncDeps {
  storage: SyncReader;
  /** Of the node. */
  client: Client;
  log: Log;
}

/** A node that is further behind than this gets the full set. */
const CHANGES_MAX = 2000;
const CHANGES_BYTES_MAX = 8 * 1024 * 1024;
/** At most this many reads at once (a limit of the edge). */
const PARALLEL_READS_MAX = 4;

const NODE_NAME_FIELD = "spec.nodeName";
const SERVICES = "services";
const SLICES = "endpointslices.discovery.k8s.io";
const HEADS = {
  nodes: headOf("v1", "Node"),
  pods: headOf("v1", "Pod"),
  secrets: headOf("v1", "Secret"),
  configmaps: headOf("v1", "ConfigMap"),
  [SERVICES]: headOf("v1", "Service"),
  [SLICES]: headOf(apiVersionOf({ group: "discovery.k8s.io", version: "v1" }), "EndpointSlice"),
};

/** @throws StatusError "Unauthorized" when the Node is gone or another key's. StorageError passes through. */
export async function sync(deps: SyncDeps, identity: NodeIdentity, request: SyncRequest): Promise<SyncResponse> {
  const reports = await writeReports(deps, identity, request);
  const state = (await readChanges(deps, identity, request)) ?? (await readAll(deps, identity));
  const references = await readReferences(deps.storage, state, request);
  return { ...state.answer, ...references, ...reports };
}

async function writeReports(
  deps: SyncDeps,
  identity: NodeIdentity,
  request: SyncRequest,
): Promise<Pick<SyncResponse, "statusResults" | "nodeStatusResult">> {
  const { podStatuses, nodeStatus } = request;
  if (podStatuses.length === 0 && nodeStatus === undefined) return { statusResults: [] };
  const [node, page] = await Promise.all([
    deps.storage.get({ resource: "nodes", namespace: "", name: identity.nodeName }),
    podStatuses.length === 0 ? undefined : deps.storage.list(podsOf(identity.nodeName)),
  ]);
  assertOwner(node.object && parse(node.object), identity);
  const current = new Map(page?.objects.map((object) => [object.uid, parse(object)]));
  const [statusResults, nodeStatusResult] = await Promise.all([
    writePodStatuses(deps, podStatuses, current),
    nodeStatus === undefined ? undefined : writeNodeStatus(deps, identity.nodeName, nodeStatus),
  ]);
  return { statusResults, ...(nodeStatusResult ? { nodeStatusResult } : {}) };
}

interface State {
  answer: Omit<SyncResponse, "secrets" | "configMaps" | "statusResults" | "nodeStatusResult">;
  /** All pods of the node. */
  pods: KubeObject[];
  /** Secrets and ConfigMaps that changed; a full answer has none and reads every referenced one. */
  changed: Map<string, LogEntry>;
}

/** Undefined: only the full set will do. */
async function readChanges(
  { storage }: SyncDeps,
  identity: NodeIdentity,
  { since, digest }: SyncRequest,
): Promise<State | undefined> {
  if (since <= 0 || !storage.changes) return undefined;
  let changes: Awaited<ReturnType<StorageWriter["changes"]>>;
  let podPage: ListPage;
  let nodePage: ListPage;
  try {
    changes = await storage.changes({ since, limit: CHANGES_MAX, bytesMax: CHANGES_BYTES_MAX });
    if (changes.more || changes.revision < since) return undefined;
    [podPage, nodePage] = await Promise.all([
      storage.list({ ...podsOf(identity.nodeName), revision: changes.revision }),
      storage.list({ resource: "nodes" }),
    ]);
  } catch (error) {
    if (error instanceof StorageError && error.code === "compacted") return undefined;
    throw error;
  }
  const held = podsBefore(podPage.objects, changes.entries, identity.nodeName);
  if ((await podDigest(held.keys())) !== digest) return undefined;

  const latest = latestByKey(changes.entries);
  const now = new Set(podPage.objects.map(({ uid }) => uid));
  const pods = podPage.objects.map((object) => ({ object, pod: parse(object) }));
  return {
    answer: {
      revision: changes.revision,
      full: false,
      ...nodesAnswer(nodePage, identity),
      pods: pods.filter(({ object }) => object.revision > since || !held.has(object.uid)).map(({ pod }) => pod),
      removedPods: [...held].filter(([uid]) => !now.has(uid)).map(([uid, name]) => ({ ...name, uid })),
      services: present(latest, SERVICES),
      endpointSlices: present(latest, SLICES),
      removedServices: removed(latest, SERVICES),
      removedEndpointSlices: removed(latest, SLICES),
    },
    pods: pods.map(({ pod }) => pod),
    changed: latest,
  };
}

async function readAll({ storage }: SyncDeps, identity: NodeIdentity): Promise<State> {
  const [nodePage, podPage, services, slices] = await Promise.all([
    storage.list({ resource: "nodes" }),
    storage.list(podsOf(identity.nodeName)),
    storage.list({ resource: SERVICES }),
    storage.list({ resource: SLICES }),
  ]);
  const pods = podPage.objects.map(parse);
  return {
    answer: {
      // The oldest of the four: what changed between them comes again with the next sync.
      revision: Math.min(nodePage.revision, podPage.revision, services.revision, slices.revision),
      full: true,
      ...nodesAnswer(nodePage, identity),
      pods,
      removedPods: [],
      services: services.objects.map(parse),
      endpointSlices: slices.objects.map(parse),
      removedServices: [],
      removedEndpointSlices: [],
    },
    pods,
    changed: new Map(),
  };
}

function nodesAnswer(page: ListPage, identity: NodeIdentity): Pick<SyncResponse, "node" | "peers"> {
  const all = page.objects.map(parse);
  const node = all.find(({ metadata }) => metadata.name === identity.nodeName);
  assertOwner(node, identity);
  return { node, peers: all.filter((other) => other !== node).map(nodeRoute) };
}

/** What the node's pods reference: what it lacks, and of the rest what changed. */
async function readReferences(
  storage: StorageReader,
  state: State,
  { holds }: SyncRequest,
): Promise<Pick<SyncResponse, "secrets" | "configMaps">> {
  const names = { secrets: new Map<string, ObjectName>(), configmaps: new Map<string, ObjectName>() };
  for (const pod of state.pods) {
    const { namespace = "" } = pod.metadata;
    const { secrets, configMaps } = podReferences(pod);
    for (const name of secrets) names.secrets.set(`${namespace}/${name}`, { namespace, name });
    for (const name of configMaps) names.configmaps.set(`${namespace}/${name}`, { namespace, name });
  }
  const held = { secrets: new Set(holds.secrets.map(joined)), configmaps: new Set(holds.configMaps.map(joined)) };
  const read = async (resource: "secrets" | "configmaps"): Promise<KubeObject[]> => {
    const found: KubeObject[] = [];
    const missing: ObjectName[] = [];
    for (const [key, name] of names[resource]) {
      const entry = state.changed.get(`${resource}/${key}`);
      if (entry && entry.type !== "DELETED") found.push(parse(entry));
      else if (!entry && (state.answer.full || !held[resource].has(key))) missing.push(name);
    }
    for (let start = 0; start < missing.length; start += PARALLEL_READS_MAX) {
      const slice = missing.slice(start, start + PARALLEL_READS_MAX);
      const answers = await Promise.all(slice.map((name) => readReadable(storage, { resource, ...name })));
      found.push(...answers.flatMap((object) => (object ? [parse(object)] : [])));
    }
    return found;
  };
  const secrets = await read("secrets");
  return { secrets, configMaps: await read("configmaps") };
}

/** One Secret that cannot be decrypted keeps its own pods waiting, and nobody else's. */
async function readReadable(storage: StorageReader, key: ObjectKey): Promise<StoredObject | undefined> {
  try {
    return (await storage.get(key)).object;
  } catch (error) {
    if (error instanceof StorageError && error.code === "unreadable") return undefined;
    throw error;
  }
}

function podsOf(nodeName: string) {
  return {
    resource: "pods",
    selector: { labels: [], fields: [{ field: NODE_NAME_FIELD, operator: "=" as const, value: nodeName }] },
  };
}

function parse(object: StoredObject): KubeObject {
  const head = HEADS[object.resource as keyof typeof HEADS];
  return JSON.parse(renderObject(object.value, object.revision, head)) as KubeObject;
}

/** The node's pods before these changes, by uid: what an agent that has applied all before them must hold. */
function podsBefore(
  now: readonly StoredObject[],
  entries: readonly LogEntry[],
  nodeName: string,
): Map<string, ObjectName> {
  const held = new Map<string, ObjectName>(now.map(({ uid, namespace, name }) => [uid, { namespace, name }]));
  for (const entry of entries.toReversed()) {
    if (entry.resource !== "pods") continue;
    const { uid, namespace, name } = entry;
    const before = entry.type !== "ADDED" && entry.before?.fields[NODE_NAME_FIELD] === nodeName;
    if (before) held.set(uid, { namespace, name });
    else if (entry.fields[NODE_NAME_FIELD] === nodeName) held.delete(uid);
  }
  return held;
}

/** SHA-256 in hex over the sorted uids, joined by newlines. */
export async function podDigest(uids: Iterable<string>): Promise<string> {
  const text = [...uids].toSorted().join("\n");
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** By "resource/namespace/name"; entries come oldest first. Of what cannot be decrypted the node keeps what it holds. */
function latestByKey(entries: readonly LogEntry[]): Map<string, LogEntry> {
  const readable = entries.filter(({ unreadable }) => !unreadable);
  return new Map(readable.map((entry) => [`${entry.resource}/${entry.namespace}/${entry.name}`, entry]));
}

function present(latest: ReadonlyMap<string, LogEntry>, resource: string): KubeObject[] {
  return [...latest.values()].filter((e) => e.resource === resource && e.type !== "DELETED").map(parse);
}

function removed(latest: ReadonlyMap<string, LogEntry>, resource: string): ObjectName[] {
  return [...latest.values()]
    .filter((e) => e.resource === resource && e.type === "DELETED")
    .map(({ namespace, name }) => ({ namespace, name }));
}

function joined({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}
