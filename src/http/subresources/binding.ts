/** POST pods/{name}/binding, and bindings: the scheduler's decision. A pod is bound once. */
import { inStructOrder } from "../../encoding/struct-order.ts";
import { formatTime, type KubeObject } from "../../machinery/meta.ts";
import { conflict, fieldError, invalid } from "../../machinery/status-error.ts";
import type { Target, WriteContext } from "../../registry/context.ts";
import type { Resource } from "../../registry/scheme.ts";
import type { UpdateRequest } from "../../registry/update.ts";
import type { StoredObject, WriteCondition } from "../../storage/storage.ts";
import { writeContext, type Exchange, type Services } from "../exchange.ts";
import { negotiate } from "../negotiate.ts";
import { pageNotFound } from "../paths.ts";
import { successStatus } from "../respond-error.ts";
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
  const binding = await services.bodies.typed(exchange, BINDING);
  const pod = podOf(services, exchange, binding);
  await services.registry.update(bindingUpdate(services, { pod, binding, context }));
  return respondObject(exchange, { form, value: successStatus(undefined), status: 201 });
}

/** What a binding asks of the registry. `known`: the pod, where it has been read. @throws StatusError "Invalid" for a binding that is none */
export function bindingUpdate(
  services: Services,
  { pod, binding, context, known }: { pod: Target; binding: Binding; context: WriteContext; known?: StoredObject },
): UpdateRequest {
  const node = nodeOf(binding, pod.name);
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
    produce: (old) => bound(old as PodParts, { binding, node, nowMs }),
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

/** setPodNodeAndMetadata in pkg/registry/core/pod/storage/storage.go of Kubernetes. Leaves the pod alone, and shares what stays the same. */
function bound(pod: PodParts, { binding, node, nowMs }: { binding: Binding; node: string; nowMs: number }): PodParts {
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
  const metadata =
    Object.keys(annotations).length === 0
      ? pod.metadata
      : inStructOrder({ ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } }, OBJECT_META);
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

function withScheduled(conditions: readonly Condition[], nowMs: number): Condition[] {
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: formatTime(nowMs) };
  const others = conditions.filter(({ type }) => type !== scheduled.type);
  return [...others, scheduled];
}
