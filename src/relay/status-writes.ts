/**
 * What a node reports, written through the ordinary API as that node: each status meets authorization, NodeRestriction and the
 * status strategy, and has its own answer.
 */
import type { Client } from "../client/client.ts";
import { nodes } from "../kinds/core/nodes/types.ts";
import { pods } from "../kinds/core/pods/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Log } from "../platform/platform.ts";
import { outcomeOf } from "./join.ts";
import type { SyncRequest, SyncResponse } from "./protocol.ts";

const ATTEMPTS_MAX = 4;
/** Writes under way at once for one node: the hub groups them into one commit. */
const PARALLEL_MAX = 16;
/** Fields of a pod's status that others than its node own. */
const FOREIGN_POD_FIELDS = ["qosClass", "nominatedNodeName", "resourceClaimStatuses", "startTime"] as const;

interface Condition {
  type: string;
  status?: string;
  lastTransitionTime?: string;
}
type StatusObject = Record<string, unknown>;

export interface StatusWriter {
  client: Pick<Client, "get" | "update">;
  log: Log;
}

/** `written`: the object as it is stored now. */
export type PodStatusAnswer = SyncResponse["statusResults"][number] & { written?: KubeObject };

/** Answers in the order of the request. */
export async function writePodStatuses(
  writer: StatusWriter,
  statuses: SyncRequest["podStatuses"],
  /** All pods of the node, as last read, by uid. */
  current: ReadonlyMap<string, KubeObject>,
): Promise<PodStatusAnswer[]> {
  const results: PodStatusAnswer[] = [];
  for (let start = 0; start < statuses.length; start += PARALLEL_MAX) {
    const slice = statuses.slice(start, start + PARALLEL_MAX);
    results.push(...(await Promise.all(slice.map((one) => writePodStatus(writer, one, podOf(current, one))))));
  }
  return results;
}

/** The pod that is meant, or another one of its name. */
function podOf(
  current: ReadonlyMap<string, KubeObject>,
  { uid, namespace, name }: SyncRequest["podStatuses"][number],
): KubeObject | undefined {
  const known = current.get(uid);
  if (known) return known;
  return [...current.values()].find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
}

async function writePodStatus(
  writer: StatusWriter,
  sent: SyncRequest["podStatuses"][number],
  known: KubeObject | undefined,
): Promise<PodStatusAnswer> {
  const { namespace, name, uid, status } = sent;
  try {
    // Gone, or another node's: what the node authorizer would call forbidden is to the agent a pod it need not know any more.
    if (!known) return { uid, code: 404, message: "this node has no such pod" };
    const written = await retryOnConflict(async (attempt) => {
      const pod = attempt === 0 ? known : await writer.client.get<KubeObject>(pods, { namespace, name });
      if (pod.metadata.uid !== uid) throw new AnotherPod();
      return await writer.client.update(pods, { ...pod, status: mergePodStatus(pod.status, status) }, "status");
    });
    return { uid, code: 200, written };
  } catch (error) {
    if (error instanceof AnotherPod) return { uid, code: 409, message: "the pod of this name has another uid" };
    if (!isStatusError(error)) writer.log.error("a pod status could not be written", { namespace, name, error });
    return { uid, ...outcomeOf(error) };
  }
}

class AnotherPod extends Error {}

export async function writeNodeStatus(
  writer: StatusWriter,
  /** `known`: the node as last read. */
  { nodeName, status, known }: { nodeName: string; status: StatusObject; known: KubeObject },
): Promise<{ result: { code: number; message?: string }; written?: KubeObject }> {
  try {
    const written = await retryOnConflict(async (attempt) => {
      const node = attempt === 0 ? known : await writer.client.get<KubeObject>(nodes, { name: nodeName });
      const merged = { ...(node.status as StatusObject | undefined), ...status };
      merged.conditions = mergeConditions(node.status, status);
      return await writer.client.update(nodes, { ...node, status: merged }, "status");
    });
    return { result: { code: 200 }, written };
  } catch (error) {
    if (!isStatusError(error)) writer.log.error("a node status could not be written", { node: nodeName, error });
    return { result: outcomeOf(error) };
  }
}

async function retryOnConflict<T>(write: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await write(attempt);
    } catch (error) {
      if (!isStatusError(error, "Conflict") || attempt + 1 >= ATTEMPTS_MAX) throw error;
    }
  }
}

/** The node's status replaces what the node owns; conditions of other owners (PodScheduled, readiness gates) stay. */
export function mergePodStatus(stored: unknown, sent: StatusObject): StatusObject {
  const before = (stored ?? {}) as StatusObject;
  const merged: StatusObject = { ...sent };
  for (const field of FOREIGN_POD_FIELDS) {
    if (merged[field] === undefined && before[field] !== undefined) merged[field] = before[field];
  }
  merged.conditions = mergeConditions(stored, sent);
  return merged;
}

/** Conditions are a map by type. One that keeps its status keeps its time of transition, whatever the node's clock says. */
function mergeConditions(stored: unknown, sent: StatusObject): Condition[] {
  const before = conditionsOf(stored);
  const after = conditionsOf(sent);
  const earlier = new Map(before.map((condition) => [condition.type, condition]));
  const reported = new Set(after.map(({ type }) => type));
  return [
    ...after.map((condition) => {
      const old = earlier.get(condition.type);
      if (old?.lastTransitionTime === undefined || old.status !== condition.status) return condition;
      return { ...condition, lastTransitionTime: old.lastTransitionTime };
    }),
    ...before.filter(({ type }) => !reported.has(type)),
  ];
}

function conditionsOf(status: unknown): Condition[] {
  const { conditions } = (status ?? {}) as { conditions?: Condition[] };
  return Array.isArray(conditions) ? conditions : [];
}
