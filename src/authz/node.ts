/**
 * What a node may do with its credential: its own Node, Lease and pods, and of everything else what its pods refer to.
 * After plugin/pkg/auth/authorizer/node of Kubernetes; which *contents* it may write is NodeRestriction's question (admission).
 */
import { NODES_GROUP, NODE_USER_PREFIX } from "../authn/authenticator.ts";
import type { Attributes, Authorizer, Decision } from "./authorizer.ts";
import { ruleAllows, type PolicyRule } from "./rules.ts";

/** What the pods bound to a node refer to, each as "namespace/name". */
export interface NodeReferences {
  pods: ReadonlySet<string>;
  secrets: ReadonlySet<string>;
  configMaps: ReadonlySet<string>;
  serviceAccounts: ReadonlySet<string>;
  persistentVolumeClaims: ReadonlySet<string>;
}

/**
 * Read when a decision needs it. `knownPod` ("namespace/name"): an earlier answer does where that pod was among them, because whose pod it
 * is is looked at again.
 */
export type NodeReferencesOf = (nodeName: string, options?: { knownPod?: string }) => Promise<NodeReferences>;

/** Free of any relation to the node's pods: system:node and system:node-proxier. */
const GENERAL: readonly PolicyRule[] = [
  { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["services", "nodes", "endpoints", "namespaces"] },
  { verbs: ["get", "list", "watch"], apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"] },
  { verbs: ["create"], apiGroups: [""], resources: ["nodes"] },
  { verbs: ["create", "update", "patch"], apiGroups: ["", "events.k8s.io"], resources: ["events"] },
  { verbs: ["create"], apiGroups: [""], resources: ["pods"] },
  {
    verbs: ["create"],
    apiGroups: ["authentication.k8s.io"],
    resources: ["tokenreviews"],
  },
  {
    verbs: ["create"],
    apiGroups: ["authorization.k8s.io"],
    resources: ["subjectaccessreviews", "localsubjectaccessreviews"],
  },
  // Of client certificates, where there are some.
  {
    verbs: ["create", "get", "list", "watch"],
    apiGroups: ["certificates.k8s.io"],
    resources: ["certificatesigningrequests"],
  },
];

const LEASE_NAMESPACE = "kube-node-lease";
const NONE: Decision = { verdict: "none" };
const ALLOW: Decision = { verdict: "allow" };

export function nodeNameOf(user: Attributes["user"]): string | undefined {
  if (!user.name.startsWith(NODE_USER_PREFIX) || !user.groups.includes(NODES_GROUP)) return undefined;
  return user.name.slice(NODE_USER_PREFIX.length);
}

export function createNodeAuthorizer(referencesOf: NodeReferencesOf): Authorizer {
  return {
    async authorize(attributes) {
      const node = nodeNameOf(attributes.user);
      if (node === undefined || !attributes.resource) return NONE;
      if (GENERAL.some((rule) => ruleAllows(rule, attributes))) return ALLOW;
      return (await isAllowed(node, attributes)) ? ALLOW : refuse(node, attributes.resource.resource);
    },
  };

  async function isAllowed(node: string, { verb, resource, fieldSelector }: Attributes): Promise<boolean> {
    if (!resource) return false;
    const { resource: plural, subresource, namespace, name, group } = resource;
    const key = `${namespace}/${name}`;
    switch (`${group}/${plural}${subresource === "" ? "" : `/${subresource}`}`) {
      case "/nodes":
        return name === node && ["update", "patch"].includes(verb);
      case "/nodes/status":
        return name === node && ["get", "update", "patch"].includes(verb);
      case "coordination.k8s.io/leases":
        return namespace === LEASE_NAMESPACE && (name === node || (verb === "create" && name === ""));
      case "/pods":
        if (verb === "list" || verb === "watch") return selectsNode(fieldSelector, node);
        return ["get", "delete"].includes(verb) && (await referencesOf(node)).pods.has(key);
      case "/pods/status":
        if (verb === "get") return (await referencesOf(node)).pods.has(key);
        // NodeRestriction sees the pod itself, as it is when the status is stored.
        return ["update", "patch"].includes(verb) && (await referencesOf(node, { knownPod: key })).pods.has(key);
      case "/pods/eviction":
        return verb === "create" && (await referencesOf(node)).pods.has(key);
      case "/secrets":
        return readsOne(verb, name) && (await referencesOf(node)).secrets.has(key);
      case "/configmaps":
        return readsOne(verb, name) && (await referencesOf(node)).configMaps.has(key);
      case "/persistentvolumeclaims":
        return verb === "get" && (await referencesOf(node)).persistentVolumeClaims.has(key);
      case "/serviceaccounts":
        return verb === "get" && (await referencesOf(node)).serviceAccounts.has(key);
      case "/serviceaccounts/token":
        return verb === "create" && (await referencesOf(node)).serviceAccounts.has(key);
      default:
        return false;
    }
  }
}

function readsOne(verb: string, name: string): boolean {
  return name !== "" && ["get", "list", "watch"].includes(verb);
}

function selectsNode(fieldSelector: string | undefined, node: string): boolean {
  return (fieldSelector ?? "").split(",").some((term) => /^spec\.nodeName==?(.*)$/.exec(term.trim())?.[1] === node);
}

function refuse(node: string, resource: string): Decision {
  return { verdict: "none", reason: `no relationship found between node '${node}' and this object of ${resource}` };
}
