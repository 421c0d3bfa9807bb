/** Clients that do whatever they like to a few objects, and write down what they asked and what they were told. */
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { Answer, TestRequest } from "../harness/cluster.ts";
import type { Dice } from "../harness/seeded.ts";
import { keyOf } from "./history-log.ts";

export type Call = <T = KubeObject>(path: string, init?: TestRequest) => Promise<Answer<T>>;

export const RESOURCES = ["configmaps", "deployments.apps"] as const;
export const NAMESPACES = ["history-a", "history-b"] as const;
const NAMES = ["a", "b", "c"];
export const COLOURS = ["red", "green", "blue"];

export type Resource = (typeof RESOURCES)[number];

interface At {
  resource: Resource;
  namespace: string;
  name: string;
}

export interface Operation {
  id: number;
  verb: "create" | "update" | "patch" | "status" | "noop" | "delete" | "deletecollection" | "get";
  /** Of one object; of a collection it has no name. */
  key: string;
  resource: Resource;
  namespace: string;
  /** A label that deletecollection selects by. */
  colour?: string;
  /** The resourceVersion that the object must have. */
  expected?: number;
  /** The uid that the object must have. */
  uid?: string;
  /** Newest revision before the request was sent, and after the answer came. */
  from: number;
  to: number;
  status: number;
  reason: string;
  body: KubeObject;
}

export function pathOf({ resource, namespace, name = "" }: Omit<At, "name"> & { name?: string }): string {
  const prefix = resource === "configmaps" ? "/api/v1" : "/apis/apps/v1";
  const plural = resource.split(".")[0] ?? "";
  return `${prefix}/namespaces/${namespace}/${plural}${name === "" ? "" : `/${name}`}`;
}

export interface Operator {
  /** One operation, begun and ended. False when the server could not do it, as far as it knows. */
  step(): Promise<boolean>;
}

export function createOperator(deps: {
  dice: Dice;
  call: Call;
  revision: () => Promise<number>;
  nextId: () => number;
  record: (operation: Operation) => void;
}): Operator {
  const { dice, call, revision, nextId, record } = deps;
  /** What this client has read of each object: it writes from what it knows, old or not. */
  const known = new Map<string, KubeObject>();

  type Plan = Omit<Operation, "id" | "from" | "to" | "status" | "reason" | "body" | "key" | "resource" | "namespace">;

  async function run(at: At, plan: Plan, request: (id: number) => TestRequest & { path: string }): Promise<boolean> {
    const id = nextId();
    const from = await revision();
    const { path, ...init } = request(id);
    const { status, body } = await call(path, init);
    const to = await revision();
    const reason = status < 300 ? "" : ((body as unknown as { reason?: string }).reason ?? "");
    const { resource, namespace } = at;
    record({ id, ...plan, key: keyOf(at), resource, namespace, from, to, status, reason, body });
    if (status < 300 && body.metadata?.resourceVersion && body.kind !== "Status") known.set(keyOf(at), body);
    return status < 500;
  }

  const target = (): At => ({
    resource: dice.pick(RESOURCES),
    namespace: dice.pick(NAMESPACES),
    name: dice.pick(NAMES),
  });

  const actions: [weight: number, act: (at: At) => Promise<boolean>][] = [
    [
      25,
      (at) =>
        run(at, { verb: "create" }, (id) => ({
          path: pathOf({ ...at, name: "" }),
          method: "POST",
          body: made(at, id),
        })),
    ],
    [15, (at) => run(at, { verb: "get" }, () => ({ path: pathOf(at) }))],
    [12, (at) => run(at, { verb: "update" }, (id) => ({ path: pathOf(at), method: "PUT", body: made(at, id) }))],
    [18, updateKnown],
    [12, (at) => run(at, { verb: "patch" }, (id) => patch(at, dice, id))],
    [8, (at) => run(at, { verb: "noop" }, () => mergePatch(at, { metadata: {} }))],
    [8, (at) => writeStatus({ ...at, resource: "deployments.apps" })],
    [4, (at) => run(at, { verb: "delete" }, () => ({ path: pathOf(at), method: "DELETE" }))],
    [4, deleteKnown],
    [1, deleteCollection],
  ];
  const weights = actions.reduce((sum, [weight]) => sum + weight, 0);

  function made(at: At, id: number): KubeObject {
    return newObject(at, { id, colour: dice.pick(COLOURS), size: dice.roll(1_000) });
  }

  async function updateKnown(at: At): Promise<boolean> {
    const old = known.get(keyOf(at));
    if (old === undefined) return await run(at, { verb: "get" }, () => ({ path: pathOf(at) }));
    const expected = Number(old.metadata.resourceVersion);
    return await run(at, { verb: "update", expected }, (id) => {
      const body = made(at, id);
      body.metadata.resourceVersion = String(expected);
      return { path: pathOf(at), method: "PUT", body };
    });
  }

  async function writeStatus(at: At): Promise<boolean> {
    return await run(at, { verb: "status" }, (id) => {
      const change = { status: { observedGeneration: id, replicas: dice.roll(5) }, spec: { replicas: 99 } };
      return { ...mergePatch(at, change), path: `${pathOf(at)}/status` };
    });
  }

  async function deleteKnown(at: At): Promise<boolean> {
    const old = known.get(keyOf(at));
    if (old === undefined) return await run(at, { verb: "get" }, () => ({ path: pathOf(at) }));
    const uid = String(old.metadata.uid);
    const byRevision = dice.chance(0.5);
    const expected = Number(old.metadata.resourceVersion);
    const preconditions = { uid, ...(byRevision ? { resourceVersion: String(expected) } : {}) };
    return await run(at, { verb: "delete", uid, ...(byRevision ? { expected } : {}) }, () => ({
      path: pathOf(at),
      method: "DELETE",
      body: { kind: "DeleteOptions", apiVersion: "v1", preconditions },
    }));
  }

  async function deleteCollection(at: At): Promise<boolean> {
    const colour = dice.pick(COLOURS);
    return await run({ ...at, name: "" }, { verb: "deletecollection", colour }, () => ({
      path: `${pathOf({ ...at, name: "" })}?labelSelector=colour%3D${colour}`,
      method: "DELETE",
    }));
  }

  return {
    async step() {
      let left = dice.roll(weights);
      for (const [weight, act] of actions) {
        left -= weight;
        if (left < 0) return await act(target());
      }
      throw new Error("the weights do not add up");
    },
  };
}

/** The annotation (or, in a status, observedGeneration) says which operation has written a version. */
export function writerOf(object: KubeObject): { object: number; status: number } {
  const { observedGeneration = 0 } = (object["status"] ?? {}) as { observedGeneration?: number };
  return { object: Number(object.metadata.annotations?.["operation"] ?? 0), status: observedGeneration };
}

function newObject(at: At, { id, colour, size }: { id: number; colour: string; size: number }): KubeObject {
  const { name, namespace } = at;
  const metadata = { name, namespace, labels: { colour }, annotations: { operation: String(id) } };
  if (at.resource === "configmaps") {
    return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { size: String(size) } };
  }
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "i:1" }] } };
  const spec = { replicas: size % 7, selector: { matchLabels: { app: name } }, template };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec };
}

function patch(at: At, dice: Dice, id: number): TestRequest & { path: string } {
  const change = {
    metadata: {
      labels: { colour: dice.chance(0.2) ? null : dice.pick(COLOURS) },
      annotations: { operation: String(id) },
    },
  };
  const type = dice.pick(["merge", "strategic", "json"] as const);
  if (type !== "json") return { ...mergePatch(at, change), headers: { "content-type": mediaOf(type) } };
  const body = [{ op: "add", path: "/metadata/annotations/operation", value: String(id) }];
  return { path: pathOf(at), method: "PATCH", body, headers: { "content-type": mediaOf(type) } };
}

function mergePatch(at: At, body: unknown): TestRequest & { path: string } {
  return { path: pathOf(at), method: "PATCH", body, headers: { "content-type": mediaOf("merge") } };
}

function mediaOf(type: "merge" | "strategic" | "json"): string {
  if (type === "json") return "application/json-patch+json";
  return type === "merge" ? "application/merge-patch+json" : "application/strategic-merge-patch+json";
}
