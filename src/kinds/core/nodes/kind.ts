import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { statusSubresource } from "../../subresources.ts";
import { proxySubresource } from "../proxy-subresource.ts";
import { claimPodNetwork, podNetworkField } from "./pod-network.ts";
import type { Node, NodeAddress } from "./types.ts";
import { validateNode, validateNodeUpdate } from "./validation.ts";

const ROLE_PREFIX = "node-role.kubernetes.io/";
const ROLE_LABEL = "kubernetes.io/role";

export const nodeKind = defineKind<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  namespaced: false,
  schema: "io.k8s.api.core.v1.Node",
  shortNames: ["no"],
  columns: [
    nameColumn,
    { name: "Status", type: "string", description: "Is the node ready, and may pods come to it?", value: statusOf },
    { name: "Roles", type: "string", description: "The roles of the node.", value: rolesOf },
    ageColumn,
    {
      name: "Version",
      type: "string",
      description: "The version of the node's agent.",
      value: ({ status }) => status?.nodeInfo?.kubeletVersion ?? "",
    },
    {
      name: "Internal-IP",
      type: "string",
      priority: 1,
      description: "The node's address inside the cluster.",
      value: (node) => addressOf(node, "InternalIP"),
    },
    {
      name: "External-IP",
      type: "string",
      priority: 1,
      description: "The node's address outside the cluster.",
      value: (node) => addressOf(node, "ExternalIP"),
    },
    {
      name: "OS-Image",
      type: "string",
      priority: 1,
      description: "The operating system of the node.",
      value: ({ status }) => status?.nodeInfo?.osImage || "<unknown>",
    },
    {
      name: "Kernel-Version",
      type: "string",
      priority: 1,
      description: "The kernel of the node.",
      value: ({ status }) => status?.nodeInfo?.kernelVersion || "<unknown>",
    },
    {
      name: "Container-Runtime",
      type: "string",
      priority: 1,
      description: "The container engine of the node.",
      value: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || "<unknown>",
    },
  ],
  subresources: [statusSubresource, proxySubresource("NodeProxyOptions")],
  strategy: {
    countsGenerations: false,
    default(node) {
      const { status } = node;
      if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
    },
    validate: validateNode,
    validateUpdate: validateNodeUpdate,
    allocate: claimPodNetwork,
    fields: ({ spec }) => ({ "spec.unschedulable": String(spec.unschedulable === true), ...podNetworkField(spec) }),
  },
});

function statusOf({ spec, status }: Node): string {
  const ready = (status?.conditions ?? []).find(({ type }) => type === "Ready");
  const states = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
  if (spec.unschedulable) states.push("SchedulingDisabled");
  return states.join(",");
}

function rolesOf({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL && value !== "") roles.add(value);
  }
  return roles.size === 0 ? "<none>" : [...roles].toSorted().join(",");
}

function addressOf({ status }: Node, type: NodeAddress["type"]): string {
  return (status?.addresses ?? []).find((address) => address.type === type)?.address ?? "<none>";
}
