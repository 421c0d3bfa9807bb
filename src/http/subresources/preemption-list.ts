/**
 * POST /api/v1/bindings with a PreemptionList: pods that make room for another. Of each it is said in its status why it goes and it is
 * deleted with its own grace, in one write; by themselves these are a patch of its status and a DELETE, and whoever sends the list must be
 * allowed both in every namespace. Disruption budgets are the scheduler's business.
 */
import { isObject } from "../../machinery/patch/json-value.ts";
import type { Pod } from "../../kinds/core/pods/types.ts";
import { badRequest } from "../../machinery/status-error.ts";
import { writeContext, type Exchange } from "../exchange.ts";
import { keyOfItem, type EachItem } from "../item-list.ts";
import { podResource } from "./binding.ts";
import { condemned } from "./disruption.ts";
import { storedPods } from "./pod-target.ts";

const REASON = "PreemptionByScheduler";

/** `metadata` names the pod and its uid, `message` is that of its condition. */
export const preemptEach: EachItem = async (services, exchange, items) => {
  await assertMayPreempt(exchange);
  const context = writeContext(exchange);
  const resource = podResource(services);
  const { pods: known } = await storedPods(services, resource, { keys: items.map(keyOfItem) });
  const nowMs = services.cluster.platform.clock.now();

  async function preempt(item: unknown, at: number): Promise<void> {
    const key = keyOfItem(item);
    const { uid, message } = namedBy(item);
    if (!key || !uid)
      throw badRequest("each item must name its pod by metadata.namespace, metadata.name and metadata.uid");
    const object = known[at];
    const preconditions = { uid };
    await services.registry.delete({
      resource,
      ...key,
      ...(object ? { known: object } : {}),
      options: { preconditions },
      explain: (pod) => condemned(pod as Pod, { preconditions, nowMs, reason: REASON, message, observes: true }),
      context,
    });
  }

  return await Promise.allSettled(items.map(preempt));
};

async function assertMayPreempt({ authorization, user, info: { path } }: Exchange): Promise<void> {
  const all = { group: "", version: "v1", resource: "pods", namespace: "", name: "" };
  await authorization.assertMay({ user, verb: "patch", path, resource: { ...all, subresource: "status" } });
  await authorization.assertMay({ user, verb: "delete", path, resource: { ...all, subresource: "" } });
}

function namedBy(item: unknown): { uid: string; message: string } {
  if (!isObject(item) || !isObject(item["metadata"])) return { uid: "", message: "" };
  const { uid } = item["metadata"];
  const { message } = item;
  return { uid: typeof uid === "string" ? uid : "", message: typeof message === "string" ? message : "" };
}
