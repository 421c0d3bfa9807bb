/**
 * NodeRestriction: what a node may write is its own, and of that nothing by which it could draw to itself what is not meant for it
 * (plugin/pkg/admission/noderestriction). What it may read and reach at all is the node authorizer's question.
 */
import { NODE_USER_PREFIX, NODES_GROUP } from "../authn/authenticator.ts";
import type { Node } from "../kinds/core/nodes/types.ts";
import { podReferences } from "../kinds/core/pods/pod-references.ts";
import type { Pod } from "../kinds/core/pods/types.ts";
import { namesOf, parseSigningRequest } from "../kinds/certificates/certificatesigningrequests/request.ts";
import type { CertificateSigningRequest } from "../kinds/certificates/certificatesigningrequests/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { notFound } from "../machinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { isMirrorPod, MIRROR_ANNOTATION } from "./pod-request.ts";
import { refused } from "./refusal.ts";
import type { Lookup } from "./service-account.ts";

const LEASE_NAMESPACE = "kube-node-lease";

export function createNodeRestriction({ lookup }: { lookup: Lookup }): AdmissionPlugin {
  return {
    name: "NodeRestriction",
    async mutate(attributes) {
      const { user } = attributes;
      if (!user.groups.includes(NODES_GROUP)) return;
      if (!user.name.startsWith(NODE_USER_PREFIX) || user.name === NODE_USER_PREFIX) {
        throw refused(attributes, `could not determine node from user ${JSON.stringify(user.name)}`);
      }
      const node = user.name.slice(NODE_USER_PREFIX.length);
      const why = await faultOf(attributes, node, lookup);
      if (why !== undefined) throw refused(attributes, why);
    },
  };
}

async function faultOf(attributes: AdmissionAttributes, node: string, lookup: Lookup): Promise<string | undefined> {
  const { group, resource, subresource } = attributes;
  switch (group === "" ? resource : `${resource}.${group}`) {
    case "pods":
      return subresource === ""
        ? await podFault(attributes, node, lookup)
        : await podPartFault(attributes, node, lookup);
    case "nodes":
      return nodeFault(attributes, node);
    case "persistentvolumeclaims":
      return subresource === "status" ? claimStatusFault(attributes, node) : "may only update PVC status";
    case "leases.coordination.k8s.io":
      if (attributes.namespace !== LEASE_NAMESPACE) {
        return `can only access leases in the "${LEASE_NAMESPACE}" system namespace`;
      }
      return nameOf(attributes) === node
        ? undefined
        : "can only access node lease with the same name as the requesting node";
    case "csinodes.storage.k8s.io":
      return nameOf(attributes) === node
        ? undefined
        : "can only access CSINode with the same name as the requesting node";
    case "resourceslices.resource.k8s.io":
      return sliceFault(attributes, node);
    case "certificatesigningrequests.certificates.k8s.io":
      return signingRequestFault(attributes, node);
    default:
      return undefined;
  }
}

function nameOf({ name, object }: AdmissionAttributes): string {
  return name || (object?.metadata.name ?? "");
}

function sliceFault({ operation, object, oldObject }: AdmissionAttributes, node: string): string | undefined {
  const { spec } = ((operation === "DELETE" ? oldObject : object) ?? {}) as { spec?: { nodeName?: string } };
  if (spec?.nodeName === node || operation === "UPDATE") return undefined;
  const verb = operation === "DELETE" ? "delete" : "create";
  return `can only ${verb} ResourceSlice with the same NodeName as the requesting node`;
}

/** Nodes make mirrors of what they run by themselves, and end what is bound to them. */
async function podFault(attributes: AdmissionAttributes, node: string, lookup: Lookup): Promise<string | undefined> {
  const { operation, object, oldObject } = attributes;
  if (operation === "DELETE") {
    return (oldObject as Pod).spec.nodeName === node
      ? undefined
      : `node "${node}" can only delete pods with spec.nodeName set to itself`;
  }
  if (operation !== "CREATE") {
    return `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`;
  }
  const pod = object as Pod;
  return mirrorFault(pod, node) ?? (await ownerFault(pod, node, lookup)) ?? referenceFault(pod, node);
}

function mirrorFault(pod: Pod, node: string): string | undefined {
  if (!isMirrorPod(pod)) {
    return `pod does not have "${MIRROR_ANNOTATION}" annotation, node "${node}" can only create mirror pods`;
  }
  return pod.spec.nodeName === node
    ? undefined
    : `node "${node}" can only create pods with spec.nodeName set to itself`;
}

async function ownerFault({ metadata }: Pod, node: string, lookup: Lookup): Promise<string | undefined> {
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0) return `node "${node}" can only create pods with a single owner reference set to itself`;
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) {
    return `node "${node}" can only create pods with an owner reference set to itself`;
  }
  if (owner.controller !== true) {
    return `node "${node}" can only create pods with a controller owner reference set to itself`;
  }
  if (owner.blockOwnerDeletion === true) return `node "${node}" must not set blockOwnerDeletion on an owner reference`;
  const found = await lookup({ resource: "nodes", namespace: "", name: node });
  if (!found) throw notFound({ group: "", resource: "nodes" }, node);
  const { uid = "" } = found.metadata;
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`;
}

/** By a pod of its own making a node would come to read what it refers to. */
function referenceFault(pod: Pod, node: string): string | undefined {
  const { serviceAccountName, volumes = [], resourceClaims = [] } = pod.spec;
  const { secrets, configMaps } = podReferences(pod);
  const bundles = volumes.some(({ projected }) =>
    projected?.sources?.some((one) => one.clusterTrustBundle !== undefined),
  );
  const claims = volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
  const referred = [
    ...(serviceAccountName ? ["a service account"] : []),
    ...(secrets.size > 0 || volumes.some(hasDriversSecret) ? ["secrets"] : []),
    ...(configMaps.size > 0 ? ["configmaps"] : []),
    ...(bundles ? ["clustertrustbundles"] : []),
    ...(claims ? ["persistentvolumeclaims"] : []),
    ...(resourceClaims.length > 0 ? ["resourceclaims"] : []),
  ];
  return referred.length === 0 ? undefined : `node "${node}" can not create pods that reference ${referred[0]}`;
}

/** What drivers of volumes are given, which our agents have none of: VisitPodSecretNames of k8s.io/kubernetes/pkg/api/pod. */
function hasDriversSecret(volume: object): boolean {
  return Object.entries(volume).some(([name, source]: [string, unknown]) => {
    const { secretRef, nodePublishSecretRef } = (source ?? {}) as Record<string, unknown>;
    return name === "azureFile" || (secretRef ?? nodePublishSecretRef) !== undefined;
  });
}

function claimsOf({ status }: Pod): string {
  return JSON.stringify(status?.resourceClaimStatuses ?? []);
}

async function podPartFault(
  attributes: AdmissionAttributes,
  node: string,
  lookup: Lookup,
): Promise<string | undefined> {
  const { subresource, operation, object, oldObject } = attributes;
  if (subresource === "eviction") return await evictionFault(attributes, node, lookup);
  if (subresource !== "status") {
    return `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`;
  }
  if (operation !== "UPDATE") return `unexpected operation "${operation}"`;
  const [old, next] = [oldObject as Pod, object as Pod];
  if (old.spec.nodeName !== node) {
    return `node "${node}" can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (changedLabels(next, old).length > 0) return `node "${node}" cannot update labels through pod status`;
  return claimsOf(next) === claimsOf(old) ? undefined : `node "${node}" cannot update resource claim statues`;
}

async function evictionFault(
  attributes: AdmissionAttributes,
  node: string,
  lookup: Lookup,
): Promise<string | undefined> {
  const name = nameOf(attributes);
  const pod = await lookup({ resource: "pods", namespace: attributes.namespace, name });
  if (!pod) throw notFound({ group: "", resource: "pods" }, name);
  return (pod as Pod).spec.nodeName === node
    ? undefined
    : `node ${node} can only evict pods with spec.nodeName set to itself`;
}

/** What a node may say of a claim: how large its volume is, and how its growing goes. */
const CLAIM_STATUS: ReadonlySet<string> = new Set([
  "capacity",
  "conditions",
  "allocatedResources",
  "allocatedResourceStatuses",
]);

function claimStatusFault({ operation, object, oldObject }: AdmissionAttributes, node: string): string | undefined {
  if (operation !== "UPDATE") return `unexpected operation "${operation}"`;
  const [after, before] = [fixedParts(object), fixedParts(oldObject)];
  const changed = [...new Set([...after.keys(), ...before.keys()])].filter(
    (path) => after.get(path) !== before.get(path),
  );
  if (changed.length === 0) return undefined;
  const list = changed.toSorted().join(", ");
  return `node "${node}" is not allowed to update fields other than status.quantity and status.conditions: ${list}`;
}

/** JSON by path of what is no node's business; managed fields and the revision follow from the write itself. */
function fixedParts(claim: KubeObject | undefined): Map<string, string> {
  const { managedFields: _fields, resourceVersion: _revision, ...metadata } = claim?.metadata ?? {};
  const { spec, status } = (claim ?? {}) as { spec?: object; status?: object };
  const parts = { metadata, spec, status };
  return new Map(
    Object.entries(parts).flatMap(([part, of]) =>
      Object.entries(of ?? {})
        .filter(([key]) => part !== "status" || !CLAIM_STATUS.has(key))
        .map(([key, value]): [string, string] => [`${part}.${key}`, JSON.stringify(value)]),
    ),
  );
}

const KUBELET_SIGNERS = ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"];

/** A node asks for certificates in its own name alone. */
function signingRequestFault(
  { operation, subresource, object }: AdmissionAttributes,
  node: string,
): string | undefined {
  if (operation !== "CREATE" || subresource !== "") return undefined;
  const { spec } = object as CertificateSigningRequest;
  if (!KUBELET_SIGNERS.includes(spec.signerName ?? "")) return undefined;
  const request = parseSigningRequest(spec.request ?? "");
  if (typeof request === "string") return `unable to parse csr: ${request}`;
  return namesOf(request).commonName === `${NODE_USER_PREFIX}${node}`
    ? undefined
    : `can only create a node CSR with CN=${NODE_USER_PREFIX}${node}`;
}

function taintsOf(node: KubeObject | undefined): string {
  return JSON.stringify((node as Node | undefined)?.spec?.taints ?? []);
}

function ownersOf(object: KubeObject | undefined): string {
  return JSON.stringify(object?.metadata.ownerReferences ?? []);
}

function nodeFault(attributes: AdmissionAttributes, node: string): string | undefined {
  const { operation, object, oldObject } = attributes;
  const name = nameOf(attributes);
  if (name !== node) return `node "${node}" is not allowed to modify node "${name}"`;
  if (operation === "CREATE") {
    const forbidden = forbiddenLabels(changedLabels(object, undefined));
    return forbidden === "" ? undefined : `node "${node}" is not allowed to set the following labels: ${forbidden}`;
  }
  if (operation !== "UPDATE") return undefined;
  if (taintsOf(object) !== taintsOf(oldObject)) return `node "${node}" is not allowed to modify taints`;
  // Its owner's end would be its own: a node could have itself collected, and come back with other labels (CVE-2025-5187).
  if (ownersOf(object) !== ownersOf(oldObject)) return `node "${node}" is not allowed to modify ownerReferences`;
  const forbidden = forbiddenLabels(changedLabels(object, oldObject));
  return forbidden === "" ? undefined : `is not allowed to modify labels: ${forbidden}`;
}

/** Set, changed or taken away. */
function changedLabels(next: KubeObject | undefined, old: KubeObject | undefined): string[] {
  const [after, before] = [next?.metadata.labels ?? {}, old?.metadata.labels ?? {}];
  return [...new Set([...Object.keys(after), ...Object.keys(before)])].filter(
    (label) => after[label] !== before[label],
  );
}

const RESTRICTED = "node-restriction.kubernetes.io";
const KUBERNETES = ["kubernetes.io", "k8s.io"];
/** What a node may say of itself in Kubernetes' own words (k8s.io/kubelet/pkg/apis). */
const OWN_LABELS: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
]);
const OWN_NAMESPACES = ["kubelet.kubernetes.io", "node.kubernetes.io"];

function forbiddenLabels(labels: readonly string[]): string {
  return labels.filter(isForbidden).toSorted().join(", ");
}

function isForbidden(label: string): boolean {
  const slash = label.indexOf("/");
  const space = slash < 0 ? "" : label.slice(0, slash);
  if (isWithin(space, RESTRICTED)) return true;
  if (!KUBERNETES.some((domain) => isWithin(space, domain))) return false;
  return !OWN_LABELS.has(label) && !OWN_NAMESPACES.some((own) => isWithin(space, own));
}

function isWithin(space: string, domain: string): boolean {
  return space === domain || space.endsWith(`.${domain}`);
}
