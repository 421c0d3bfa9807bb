/** POST pods/{name}/binding, and bindings: the scheduler's decision. A pod is bound once. */
import { inStructOrder } from "../../encoding/struct-order.ts";
import { formatTime, type KubeObject, type ObjectMeta } from "../../machinery/meta.ts";
import { conflict, fieldError, invalid } from "../../machinery/status-error.ts";
import { topologyLabelsOf } from "../../admission/pod-topology-labels.ts";
import type { Target, WriteContext } from "../../registry/context.ts";
import type { Resource } from "../../registry/scheme.ts";
import type { UpdateRequest } from "../../registry/update.ts";
import type { StoredObject, WriteCondition } from "../../storage/storage.ts";
import { writeContext, type Exchange, type Services } from "../exchange.ts";
import { negotiate } from "../negotiate.ts";
import { pageNotFound } from "../paths.ts";
import { successStatus } from "../respond-error.ts";
import { storedPods } from "./pod-target.ts";
import { respondObject } from "../respond-object.ts";
import { target } from "../write.ts";

interface Binding extends KubeObject {
  target?: { kind?: string; name?: string };
}

type Condition = { type: string; status: string };

interface PodParts extends KubeObject {
  spec: { nodeName?: string; schedulingGates?: unknown[] };
  status?: { conditions?: Condition[]; nominatedNodeName?: string };
}

/** "namespace/name/resourceVersion" of a Lease: the binding is stored only while the Lease is at that version (decision 0013). */
export const FENCE_ANNOTATION = "scheduling.gantry.dev/lease";

export const BINDING = { group: "", version: "v1", kind: "Binding", schema: "io.k8s.api.core.v1.Binding" };
const OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const POD_SPEC = "io.k8s.api.core.v1.PodSpec";
const POD_STATUS = "io.k8s.api.core.v1.PodStatus";

export async function handleBinding(services: Services, exchange: Exchange): Promise<Response> {
  const form = negotiate(exchange.request.headers.get("accept"));
  const context = writeContext(exchange);
  const binding: Binding = await services.bodies.typed(exchange, BINDING);
  const pod = podOf(services, exchange, binding);
  const name = binding.target?.name ?? "";
  const known = await storedPods(services, pod.resource, { keys: [pod], nodes: name === "" ? [] : [name] });
  const request = { pod, binding, context, known: known.pods[0], node: known.nodes.get(name) };
  await services.registry.update(bindingUpdate(services, request));
  return respondObject(exchange, { form, value: successStatus(undefined), status: 201 });
}

interface BindingRequest {
  pod: Target;
  binding: Binding;
  context: WriteContext;
  /** The pod, where there is one. */
  known: StoredObject | undefined;
  /** The node, where there is one. */
  node: StoredObject | undefined;
}

/** What a binding asks of the registry. @throws StatusError "Invalid" for a binding that is none */
export function bindingUpdate(
  services: Services,
  { pod, binding, context, known, node: on }: BindingRequest,
): UpdateRequest {
  const node = nodeOf(binding, pod.name);
  const topology = topologyLabelsOf(on?.labels, services.cluster.config.plugins);
  const labels = { ...binding.metadata.labels, ...topology };
  const nowMs = services.cluster.platform.clock.now();
  const fence = fenceOf(services, binding, pod.name);
  return {
    ...pod,
    scope: "whole",
    subresource: "binding",
    isPatch: true,
    staysCanonical: true,
    ...(fence ? { conditions: [fence] } : {}),
    ...(known ? { known } : {}),
    produce: (old) => bound(old as PodParts, { binding, labels, node, nowMs }),
    context,
  };
}

/** POST bindings names the pod in the object, POST pods/{name}/binding in its path. */
function podOf(services: Services, exchange: Exchange, { metadata }: Binding): Target {
  const { resource, namespace, name } = target(exchange);
  if (resource.plural === "pods") return { resource, namespace, name };
  return { resource: podResource(services), namespace, name: metadata.name ?? "" };
}

export function podResource({ scheme }: Services): Resource {
  const pods = scheme.findStored("pods");
  if (!pods) throw pageNotFound();
  return pods;
}

function nodeOf(binding: Binding, pod: string): string {
  const { kind = "Node", name = "" } = binding.target ?? {};
  const errors = [];
  if (kind !== "" && kind !== "Node") errors.push(fieldError.notSupported("target.kind", kind, ["Node", "<empty>"]));
  if (name === "") errors.push(fieldError.required("target.name"));
  if (errors.length > 0) throw invalid({ group: "", kind: "Binding" }, pod, errors);
  return name;
}

/** Takes the annotation off: it says nothing of the pod. */
function fenceOf({ scheme }: Services, { metadata }: Binding, pod: string): WriteCondition | undefined {
  const text = metadata.annotations?.[FENCE_ANNOTATION];
  if (text === undefined) return undefined;
  const { [FENCE_ANNOTATION]: _fence, ...annotations } = metadata.annotations ?? {};
  metadata.annotations = annotations;
  const [namespace = "", name = "", version = ""] = text.split("/");
  const resource = scheme.findStored("leases.coordination.k8s.io")?.storageName;
  const revision = Number(version);
  if (resource === undefined || name === "" || !Number.isSafeInteger(revision) || revision <= 0) {
    throw invalid({ group: "", kind: "Binding" }, pod, [
      fieldError.invalid(`metadata.annotations[${FENCE_ANNOTATION}]`, text, "must be namespace/name/resourceVersion"),
    ]);
  }
  return { kind: "head", resource, namespace, name, revision };
}

interface Bound {
  binding: Binding;
  /** The pod gets them in place of its own. */
  labels: Readonly<Record<string, string>>;
  node: string;
  nowMs: number;
}

/** setPodNodeAndMetadata in pkg/registry/core/pod/storage/storage.go of Kubernetes. Leaves the pod alone, and shares what stays the same. */
function bound(pod: PodParts, { binding, labels, node, nowMs }: Bound): PodParts {
  const name = pod.metadata.name ?? "";
  const refuse = (why: string) => conflict({ group: "", resource: "pods/binding" }, name, why);
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (pod.spec.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  if (pod.spec.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  const { uid, annotations = {} } = binding.metadata;
  if (uid !== undefined && uid !== "" && uid !== pod.metadata.uid) {
    throw refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ""}`);
  }
  const isMore = Object.keys(labels).length + Object.keys(annotations).length > 0;
  const metadata = isMore ? inStructOrder(withMore(pod.metadata, { labels, annotations }), OBJECT_META) : pod.metadata;
  // Room is kept for it no longer (ClearingNominatedNodeNameAfterBinding).
  const { nominatedNodeName: _kept, ...status } = pod.status ?? {};
  const conditions = withScheduled(status.conditions ?? [], nowMs);
  return {
    ...pod,
    metadata,
    spec: inStructOrder({ ...pod.spec, nodeName: node }, POD_SPEC),
    status: inStructOrder({ ...status, conditions }, POD_STATUS),
  };
}

/** What is empty stays away. */
function withMore(metadata: ObjectMeta, more: Pick<Required<ObjectMeta>, "labels" | "annotations">): ObjectMeta {
  const next = { ...metadata };
  for (const key of ["labels", "annotations"] as const) {
    if (Object.keys(more[key]).length > 0) next[key] = { ...metadata[key], ...more[key] };
  }
  return next;
}

function withScheduled(conditions: readonly Condition[], nowMs: number): Condition[] {
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: formatTime(nowMs) };
  const others = conditions.filter(({ type }) => type !== scheduled.type);
  return [...others, scheduled];
}
