/**
 * The network that a node's pods get their addresses from. Kubernetes leaves it to one leading controller that no two nodes are given the
 * same one; here the store refuses it, so that a copy of the controller that was thought dead does no harm.
 */
import { conflict } from "../../../machinery/status-error.ts";
import type { AllocationContext, Strategy } from "../../../registry/strategy.ts";
import type { Node, NodeSpec } from "./types.ts";

const FIELD = "spec.podCIDR";

/** Stored with a node that has one. Nobody selects by it: it lets the store see who has a network. */
export function podNetworkField({ podCIDR }: NodeSpec): Record<string, string> {
  return podCIDR ? { [FIELD]: podCIDR } : {};
}

/**
 * What is given to a node that has been without is nobody else's. A node that comes with a network keeps it, whoever has it too: there
 * the machine has decided. @throws StatusError "Conflict"
 */
export async function claimPodNetwork(
  { metadata, spec: { podCIDR } }: Node,
  old: Node | undefined,
  context: AllocationContext,
): Promise<Awaited<ReturnType<NonNullable<Strategy["allocate"]>>>> {
  if (!podCIDR || !old || old.spec.podCIDR) return [];
  // Another one cannot be chosen here: that is for whoever gives networks out.
  if (context.attempt > 1 && (await context.isUsed({ resource: "nodes", field: FIELD, value: podCIDR }))) {
    throw conflict({ group: "", resource: "nodes" }, metadata.name ?? "", `${podCIDR} is another node's`);
  }
  return [{ kind: "field-unique", resource: "nodes", field: FIELD, value: podCIDR }];
}
