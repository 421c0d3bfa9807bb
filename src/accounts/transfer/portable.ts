/**
 * An object as another cluster takes it: without what a server sets, what belongs to this cluster's machines, and what others make of it
 * again. Pure.
 */
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";

/** Resources of which nothing is taken along: they tell what happens in this cluster, or on its machines. */
const NEVER = new Set([
  "bindings",
  "componentstatuses",
  "events",
  "nodes",
  "events.events.k8s.io",
  "leases.coordination.k8s.io",
  "leasecandidates.coordination.k8s.io",
  "certificatesigningrequests.certificates.k8s.io",
  "ipaddresses.networking.k8s.io",
  "controllerrevisions.apps",
  "csinodes.storage.k8s.io",
  "csistoragecapacities.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
]);

/** Every cluster has these from its start. */
const NAMESPACES = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);

export function isPortable({ group, resource, verbs }: ResourceRef & { verbs: readonly string[] }): boolean {
  const name = group === "" ? resource : `${resource}.${group}`;
  return !NEVER.has(name) && verbs.includes("list") && verbs.includes("create");
}

/** Undefined for what comes about by itself in the other cluster. Never mutates. */
export function portable(ref: ResourceRef & { kind: string }, object: KubeObject): KubeObject | undefined {
  if (comesByItself(ref, object)) return undefined;
  const { status: _status, ...rest } = object as KubeObject & { status?: unknown };
  const copy = structuredClone(rest) as Portable;
  copy.metadata = metadataOf(copy);
  CHANGES[ref.resource]?.(copy);
  const apiVersion = ref.group === "" ? ref.version : `${ref.group}/${ref.version}`;
  return { apiVersion, kind: ref.kind, ...withoutType(copy) };
}

/** First of all what it is: that is how people read it. */
function withoutType({ apiVersion: _apiVersion, kind: _kind, ...rest }: Portable): Portable {
  return rest;
}

type Fields = Record<string, unknown>;
type Portable = KubeObject & { spec?: Fields };

function comesByItself({ resource }: ResourceRef, { metadata, ...rest }: KubeObject): boolean {
  const { name = "", namespace = "", labels = {}, annotations = {} } = metadata;
  // Its controller makes it again from the owner; anything else that is owned goes on without its owner.
  if (metadata.ownerReferences?.some(({ controller }) => controller === true)) return true;
  if (metadata.deletionTimestamp !== undefined) return true;
  if (labels["kubernetes.io/bootstrapping"] === "rbac-defaults") return true;
  if ("kube-aggregator.kubernetes.io/automanaged" in labels) return true;
  if (annotations["apf.kubernetes.io/autoupdate-spec"] === "true") return true;
  switch (resource) {
    case "namespaces":
      return NAMESPACES.has(name);
    case "configmaps":
      if (name === "kube-root-ca.crt") return true;
      return namespace === "kube-system" && /^(extension-apiserver-|kube-apiserver-legacy-)/.test(name);
    case "serviceaccounts":
      return name === "default" || (namespace === "kube-system" && isEmpty(rest));
    case "secrets":
      return SECRETS_OF_THE_CLUSTER.has(String((rest as { type?: string }).type));
    case "services":
    case "endpoints":
    case "endpointslices":
      return isMadeOfService(name, namespace, labels, annotations);
    case "servicecidrs":
      return name === "kubernetes";
    case "priorityclasses":
      return name.startsWith("system-");
    case "clusterrolebindings":
      return name.startsWith("gantry:organisation-");
    case "storageclasses":
      return (rest as { provisioner?: string }).provisioner === "gantry.dev/local-path";
    case "persistentvolumes":
      return "pv.kubernetes.io/provisioned-by" in annotations;
    default:
      return false;
  }
}

const SECRETS_OF_THE_CLUSTER = new Set(["bootstrap.kubernetes.io/token", "kubernetes.io/service-account-token"]);

const isEmpty = ({ secrets, imagePullSecrets }: Fields): boolean => !secrets && !imagePullSecrets;

function isMadeOfService(
  name: string,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
): boolean {
  if (namespace === "default" && name === "kubernetes") return true;
  return (
    "endpointslice.kubernetes.io/managed-by" in labels ||
    "endpoints.kubernetes.io/managed-by" in labels ||
    "endpoints.kubernetes.io/last-change-trigger-time" in annotations
  );
}

/** Annotations by which controllers of this cluster remember what they did. */
const REMEMBERED = [
  "deployment.kubernetes.io/revision",
  "pv.kubernetes.io/bind-completed",
  "pv.kubernetes.io/bound-by-controller",
  "volume.kubernetes.io/selected-node",
  "volume.kubernetes.io/storage-provisioner",
  "volume.beta.kubernetes.io/storage-provisioner",
];

function metadataOf({ metadata }: KubeObject): KubeObject["metadata"] {
  const { name, namespace, labels, annotations = {} } = metadata;
  const finalizers = metadata.finalizers?.filter((finalizer) => !isOfKubernetes(finalizer)) ?? [];
  const kept = Object.fromEntries(Object.entries(annotations).filter(([key]) => !REMEMBERED.includes(key)));
  return {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(Object.keys(kept).length === 0 ? {} : { annotations: kept }),
    ...(finalizers.length === 0 ? {} : { finalizers }),
  };
}

/** Set again by whoever takes them off again. */
function isOfKubernetes(finalizer: string): boolean {
  return /^(kubernetes\.io\/|foregroundDeletion$|orphan$|.*\.kubernetes\.io\/)/.test(finalizer);
}

/** By resource; they change the copy. */
const CHANGES: Readonly<Record<string, (object: Portable) => void>> = {
  namespaces: (object) => void delete object.spec,
  pods: ({ spec = {} }) => {
    for (const field of ["nodeName", "priority"]) delete spec[field];
    withoutTokenVolume(spec);
  },
  services: ({ spec = {} }) => {
    if (spec["clusterIP"] !== "None") for (const field of ["clusterIP", "clusterIPs"]) delete spec[field];
    delete spec["healthCheckNodePort"];
  },
  persistentvolumeclaims: (object) => {
    // A volume that was made for it stays behind.
    if (object.spec && object.spec["storageClassName"] !== "") delete object.spec["volumeName"];
  },
  persistentvolumes: ({ spec = {} }) => {
    const claim = spec["claimRef"] as Fields | undefined;
    for (const field of ["uid", "resourceVersion"]) delete claim?.[field];
  },
  jobs: (object) => {
    const { spec = {}, metadata } = object;
    if (spec["manualSelector"] === true) return;
    delete spec["selector"];
    const template = spec["template"] as Labelled | undefined;
    if (template?.metadata) template.metadata = withoutJobLabels(template.metadata);
    object.metadata = withoutJobLabels(metadata);
  },
};

interface Labelled {
  metadata?: { labels?: Record<string, string> };
}

/** They hold the uid that it has here. */
function withoutJobLabels<T extends NonNullable<Labelled["metadata"]>>(metadata: T): T {
  if (!metadata.labels) return metadata;
  const { labels, ...rest } = metadata;
  const kept = Object.entries(labels).filter(([key]) => !JOB_LABELS.includes(key));
  return (kept.length === 0 ? rest : { ...metadata, labels: Object.fromEntries(kept) }) as T;
}

const JOB_LABELS = ["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"];

const TOKEN_VOLUME = "kube-api-access-";

/** Admission of the other cluster mounts one of its own. */
function withoutTokenVolume(spec: Fields): void {
  if (spec["volumes"]) spec["volumes"] = withoutTokens(spec["volumes"]);
  for (const list of ["containers", "initContainers"]) {
    for (const container of (spec[list] as Fields[] | undefined) ?? [])
      if (container["volumeMounts"]) container["volumeMounts"] = withoutTokens(container["volumeMounts"]);
  }
}

function withoutTokens(list: unknown): unknown {
  if (!Array.isArray(list)) return list;
  return list.filter(({ name }: { name?: string }) => !name?.startsWith(TOKEN_VOLUME));
}

/** Earlier kinds are asked for by later ones; everything else comes in between. */
const FIRST = [
  "namespaces",
  "customresourcedefinitions",
  "priorityclasses",
  "runtimeclasses",
  "storageclasses",
  "resourcequotas",
  "limitranges",
  "serviceaccounts",
  "secrets",
  "configmaps",
  "persistentvolumes",
  "persistentvolumeclaims",
  "clusterroles",
  "roles",
  "clusterrolebindings",
  "rolebindings",
  "services",
];
/** They would meddle with what comes after them. */
const LAST = [
  "apiservices",
  "validatingadmissionpolicies",
  "validatingadmissionpolicybindings",
  "mutatingwebhookconfigurations",
  "validatingwebhookconfigurations",
];

/** In which order resources are to be applied: lower comes first. */
export function applyRank(resource: string): number {
  const first = FIRST.indexOf(resource);
  if (first >= 0) return first;
  const last = LAST.indexOf(resource);
  return last >= 0 ? 1_000 + last : 500;
}
