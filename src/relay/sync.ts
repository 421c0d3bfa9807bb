/**
 * What a node needs to know: its reports are written, and it is told what changed since the revision it names. The answer is the state
 * at one revision or later; what is sent twice does no harm, because agents apply whole objects.
 *
 * One batch reads all of it at one revision: what changed, the node and its pods. Reports are judged by what it found and written in one
 * commit, and where nobody else has written meanwhile the answer is that state with these writes in it: two round trips. What is read
 * beside it: peers, when another node has changed, and in one more batch the Secrets and ConfigMaps that the node lacks.
 */
import type { NodeIdentity } from "../authn/node-credential.ts";
import type { Client } from "../client/client.ts";
import { podReferences } from "../kinds/core/pods/pod-references.ts";
import { apiVersionOf } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { Log } from "../platform/platform.ts";
import { StorageError } from "../storage/errors.ts";
import type { LogEntry, LogPage, ObjectKey, SnapshotReader, StorageReader, StoredObject } from "../storage/storage.ts";
import { headOf, renderObject } from "../storage/stored-value.ts";
import { assertOwner } from "./join.ts";
import { nodeRoute } from "./node-route.ts";
import type { ObjectName, SyncRequest, SyncResponse } from "./protocol.ts";
import { writeNodeStatus, writePodStatuses } from "./status-writes.ts";

export type SyncReader = Pick<StorageReader, "get" | "getMany"> & SnapshotReader;

export interface SyncDeps {
  storage: SyncReader;
  /** Of the node. `known`: objects as they were read a moment ago, which its first write of each may go by. */
  clientFor: (known: readonly StoredObject[]) => Client;
  /** Told what pods the node has, so that its writes need not ask. */
  learn: (nodeName: string, pods: readonly KubeObject[]) => void;
  log: Log;
}

/** A node that is further behind than this gets the full set. */
const CHANGES_MAX = 2000;
const CHANGES_BYTES_MAX = 8 * 1024 * 1024;
/** At most this many reads at once (a limit of the edge). */
const PARALLEL_READS_MAX = 4;

const NODE_NAME_FIELD = "spec.nodeName";
const NODES = "nodes";
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
  let read = await readNode(deps, identity, request);
  let reports: Reports = { statusResults: [] };
  if (request.podStatuses.length > 0 || request.nodeStatus !== undefined) {
    const { written, ...answers } = await writeReports(deps, identity, { request, read });
    reports = answers;
    read = withWrites(read, written) ?? (await readNode(deps, identity, request));
  }
  const state = (await changedState(deps, { read, identity, request })) ?? (await wholeState(deps, { read, identity }));
  const references = await readReferences(deps.storage, state, request);
  return { ...state.answer, ...references, ...reports };
}

/** What one batch found of a node, and what the node has written since. */
interface NodeRead {
  /** Of the state that this is. */
  revision: number;
  node: StoredObject;
  pods: { row: StoredObject; pod: KubeObject }[];
  /** Absent where only the full set will do. */
  changes?: LogPage;
  /** Where the full set was asked for. */
  whole?: { nodes: StoredObject[]; services: StoredObject[]; slices: StoredObject[] };
  /** By uid, at revisions up to `revision`. */
  written: ReadonlyMap<string, KubeObject>;
}

async function readNode(
  { storage, learn }: Pick<SyncDeps, "storage" | "learn">,
  identity: NodeIdentity,
  { since }: Pick<SyncRequest, "since">,
): Promise<NodeRead> {
  const { nodeName } = identity;
  const isWhole = since <= 0;
  const { revision, objects, lists, changes } = await storage.snapshot({
    keys: [{ resource: NODES, namespace: "", name: nodeName }],
    lists: [podsOf(nodeName), ...(isWhole ? [NODES, SERVICES, SLICES].map((resource) => ({ resource })) : [])],
    ...(isWhole ? {} : { changes: { since, limit: CHANGES_MAX, bytesMax: CHANGES_BYTES_MAX } }),
  });
  const [node] = objects;
  assertOwner(node && parse(node), identity);
  const [podRows = [], nodes = [], services = [], slices = []] = lists;
  const pods = podRows.map((row) => ({ row, pod: parse(row) }));
  learn(
    nodeName,
    pods.map(({ pod }) => pod),
  );
  return {
    revision,
    node: node as StoredObject,
    pods,
    ...(changes ? { changes } : {}),
    ...(isWhole ? { whole: { nodes, services, slices } } : {}),
    written: new Map(),
  };
}

type Reports = Pick<SyncResponse, "statusResults" | "nodeStatusResult">;

async function writeReports(
  { clientFor, log }: SyncDeps,
  { nodeName }: NodeIdentity,
  { request, read }: { request: SyncRequest; read: NodeRead },
): Promise<Reports & { written: KubeObject[] }> {
  const { podStatuses, nodeStatus } = request;
  const reported = new Set(podStatuses.map(({ uid }) => uid));
  const known = read.pods.map(({ row }) => row).filter(({ uid }) => reported.has(uid));
  const writer = { client: clientFor([...known, ...(nodeStatus ? [read.node] : [])]), log };
  const current = new Map(read.pods.map(({ row, pod }) => [row.uid, pod]));
  const [pods, node] = await Promise.all([
    writePodStatuses(writer, podStatuses, current),
    nodeStatus && writeNodeStatus(writer, { nodeName, status: nodeStatus, known: parse(read.node) }),
  ]);
  return {
    statusResults: pods.map(({ written: _written, ...answer }) => answer),
    ...(node ? { nodeStatusResult: node.result } : {}),
    written: [...pods.map(({ written }) => written), node?.written].filter((object) => object !== undefined),
  };
}

/** The state after these writes, where all that was written since the read is them. */
function withWrites(read: NodeRead, written: readonly KubeObject[]): NodeRead | undefined {
  const revisions = [...new Set(written.map(({ metadata }) => Number(metadata.resourceVersion)))]
    .filter((revision) => revision > read.revision)
    .toSorted((a, b) => a - b);
  if (revisions.some((revision, at) => revision !== read.revision + at + 1)) return undefined;
  return {
    ...read,
    revision: read.revision + revisions.length,
    written: new Map(written.map((object) => [object.metadata.uid ?? "", object])),
  };
}

interface State {
  answer: Omit<SyncResponse, "secrets" | "configMaps" | "absent" | "statusResults" | "nodeStatusResult">;
  /** All pods of the node. */
  pods: KubeObject[];
  /** Secrets and ConfigMaps that changed; a full answer has none and reads every referenced one. */
  changed: Map<string, LogEntry>;
  /** Keys of all that changed, also of what cannot be read. */
  touched: ReadonlySet<string>;
}

interface Asked {
  read: NodeRead;
  identity: NodeIdentity;
}

/** Undefined: only the full set will do. */
async function changedState(
  { storage }: SyncDeps,
  { read, identity, request: { since, digest, keepsPeers } }: Asked & { request: SyncRequest },
): Promise<State | undefined> {
  const { changes, written } = read;
  if (!changes || changes.more || changes.revision < since) return undefined;
  const rows = read.pods.map(({ row }) => row);
  const held = podsBefore(rows, changes.entries, identity.nodeName);
  if ((await podDigest(held.keys())) !== digest) return undefined;

  const latest = latestByKey(changes.entries);
  const now = new Set(rows.map(({ uid }) => uid));
  const isNews = ({ uid, revision }: StoredObject) => revision > since || !held.has(uid) || written.has(uid);
  const moved = changes.entries.some(({ resource, name }) => resource === NODES && name !== identity.nodeName);
  return {
    answer: {
      revision: read.revision,
      full: false,
      node: nodeOf(read),
      ...(moved || !keepsPeers ? { peers: peersOf(await nodesOf(storage), identity) } : {}),
      pods: read.pods.filter(({ row }) => isNews(row)).map(({ row, pod }) => written.get(row.uid) ?? pod),
      removedPods: [...held].filter(([uid]) => !now.has(uid)).map(([uid, name]) => ({ ...name, uid })),
      services: present(latest, SERVICES),
      endpointSlices: present(latest, SLICES),
      removedServices: removed(latest, SERVICES),
      removedEndpointSlices: removed(latest, SLICES),
    },
    pods: read.pods.map(({ pod }) => pod),
    changed: latest,
    touched: new Set(changes.entries.map(keyOf)),
  };
}

async function wholeState(deps: SyncDeps, { read: known, identity }: Asked): Promise<State> {
  const read = known.whole ? known : await readNode(deps, identity, { since: 0 });
  const { nodes = [], services = [], slices = [] } = read.whole ?? {};
  const pods = read.pods.map(({ row, pod }) => read.written.get(row.uid) ?? pod);
  return {
    answer: {
      revision: read.revision,
      full: true,
      node: nodeOf(read),
      peers: peersOf(nodes, identity),
      pods,
      removedPods: [],
      services: services.map(parse),
      endpointSlices: slices.map(parse),
      removedServices: [],
      removedEndpointSlices: [],
    },
    pods,
    changed: new Map(),
    touched: new Set(),
  };
}

function nodeOf({ node, written }: NodeRead): KubeObject {
  return written.get(node.uid) ?? parse(node);
}

async function nodesOf(storage: SyncReader): Promise<StoredObject[]> {
  const { lists } = await storage.snapshot({ lists: [{ resource: NODES }] });
  return lists[0] ?? [];
}

function peersOf(nodes: readonly StoredObject[], { nodeName }: NodeIdentity): ReturnType<typeof nodeRoute>[] {
  return nodes.filter(({ name }) => name !== nodeName).map((node) => nodeRoute(parse(node)));
}

type Reference = "secrets" | "configmaps";
const REFERENCES: readonly Reference[] = ["secrets", "configmaps"];

/** What the node's pods reference: what it lacks, and of the rest what changed. What it knows not to be there is not looked for again. */
async function readReferences(
  storage: SyncReader,
  state: State,
  { holds, lacks }: SyncRequest,
): Promise<Pick<SyncResponse, "secrets" | "configMaps" | "absent">> {
  const names = referencedBy(state.pods);
  const held = keysOf(holds);
  const lacked = keysOf(lacks);
  const found = { secrets: [] as KubeObject[], configmaps: [] as KubeObject[] };
  const absent = { secrets: [] as ObjectName[], configmaps: [] as ObjectName[] };
  const missing: ReferenceKey[] = [];
  for (const resource of REFERENCES) {
    for (const [key, name] of names[resource]) {
      const path = `${resource}/${key}`;
      const entry = state.changed.get(path);
      if (entry?.type === "DELETED") absent[resource].push(name);
      else if (entry) found[resource].push(parse(entry));
      else if (state.answer.full) missing.push({ resource, ...name });
      else if (held[resource].has(key)) continue;
      else if (!lacked[resource].has(key) || state.touched.has(path)) missing.push({ resource, ...name });
    }
  }
  const read = await readMissing(storage, missing);
  for (const row of read.found) found[row.resource as Reference].push(parse(row));
  for (const { resource, namespace, name } of read.absent) absent[resource].push({ namespace, name });
  const isAnyAbsent = absent.secrets.length > 0 || absent.configmaps.length > 0;
  return {
    secrets: found.secrets,
    configMaps: found.configmaps,
    ...(isAnyAbsent ? { absent: { secrets: absent.secrets, configMaps: absent.configmaps } } : {}),
  };
}

/** By "namespace/name". */
function referencedBy(pods: readonly KubeObject[]): Record<Reference, Map<string, ObjectName>> {
  const names = { secrets: new Map<string, ObjectName>(), configmaps: new Map<string, ObjectName>() };
  for (const pod of pods) {
    const { namespace = "" } = pod.metadata;
    const { secrets, configMaps } = podReferences(pod);
    for (const name of secrets) names.secrets.set(`${namespace}/${name}`, { namespace, name });
    for (const name of configMaps) names.configmaps.set(`${namespace}/${name}`, { namespace, name });
  }
  return names;
}

function keysOf(of: SyncRequest["holds"] | undefined): Record<Reference, Set<string>> {
  const { secrets = [], configMaps = [] } = of ?? {};
  return { secrets: new Set(secrets.map(joined)), configmaps: new Set(configMaps.map(joined)) };
}

type ReferenceKey = ObjectKey & { resource: Reference };

/**
 * In one batch. One that cannot be decrypted keeps its own pods waiting, and nobody else's: then each is read by itself, and none is said to
 * be absent.
 */
async function readMissing(
  storage: SyncReader,
  missing: readonly ReferenceKey[],
): Promise<{ found: StoredObject[]; absent: ReferenceKey[] }> {
  if (missing.length === 0) return { found: [], absent: [] };
  try {
    const found = await storage.getMany(missing);
    const there = new Set(found.map(keyOf));
    return { found, absent: missing.filter((key) => !there.has(keyOf(key))) };
  } catch (error) {
    if (!(error instanceof StorageError && error.code === "unreadable")) throw error;
  }
  const found: StoredObject[] = [];
  for (let start = 0; start < missing.length; start += PARALLEL_READS_MAX) {
    const slice = missing.slice(start, start + PARALLEL_READS_MAX);
    const answers = await Promise.all(slice.map((key) => readReadable(storage, key)));
    found.push(...answers.flatMap((object) => object ?? []));
  }
  return { found, absent: [] };
}

async function readReadable(storage: SyncReader, key: ObjectKey): Promise<StoredObject | undefined> {
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
  return new Map(readable.map((entry) => [keyOf(entry), entry]));
}

function keyOf({ resource, namespace, name }: ObjectKey): string {
  return `${resource}/${namespace}/${name}`;
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
