/** POST pods/{name}/binding, and bindings: the scheduler's decision. A pod is bound once. */
import { formatTime, type KubeObject } from "../../machinery/meta.ts";
import { conflict, fieldError, invalid } from "../../machinery/status-error.ts";
import type { WriteCondition } from "../../storage/storage.ts";
import { writeContext, type Exchange, type Services } from "../exchange.ts";
import { negotiate } from "../negotiate.ts";
import { pageNotFound } from "../paths.ts";
import { successStatus } from "../respond-error.ts";
import { respondObject } from "../respond-object.ts";
import { target } from "../write.ts";

interface Binding extends KubeObject {
  target?: { kind?: string; name?: string };
}

interface PodParts extends KubeObject {
  spec: { nodeName?: string };
  status?: { conditions?: { type: string; status: string }[]; nominatedNodeName?: string };
}

/** "namespace/name/resourceVersion" of a Lease: the binding is stored only while the Lease is at that version (decision 0013). */
export const FENCE_ANNOTATION = "scheduling.gantry.dev/lease";

const BINDING = { group: "", version: "v1", kind: "Binding", schema: "io.k8s.api.core.v1.Binding" };

export async function handleBinding(services: Services, exchange: Exchange): Promise<Response> {
  const form = negotiate(exchange.request.headers.get("accept"));
  const context = writeContext(exchange);
  const binding = (await services.bodies.typed(exchange, BINDING)) as Binding;
  const pod = podOf(services, exchange, binding);
  const node = nodeOf(binding, pod.name);
  const nowMs = services.cluster.platform.clock.now();
  const fence = fenceOf(services, binding, pod.name);
  await services.registry.update({
    ...pod,
    scope: "whole",
    subresource: "binding",
    isPatch: true,
    ...(fence ? { conditions: [fence] } : {}),
    produce: (old) => bound(old as PodParts, { binding, node, nowMs }),
    context,
  });
  return respondObject(exchange, { form, value: successStatus(undefined), status: 201 });
}

/** POST bindings names the pod in the object, POST pods/{name}/binding in its path. */
function podOf(services: Services, exchange: Exchange, { metadata }: Binding): ReturnType<typeof target> {
  const { resource, namespace, name } = target(exchange);
  if (resource.plural === "pods") return { resource, namespace, name };
  const pods = services.scheme.findStored("pods");
  if (!pods) throw pageNotFound();
  return { resource: pods, namespace, name: metadata.name ?? "" };
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

function bound(pod: PodParts, { binding, node, nowMs }: { binding: Binding; node: string; nowMs: number }): PodParts {
  const name = pod.metadata.name ?? "";
  const refuse = (why: string) => conflict({ group: "", resource: "pods/binding" }, name, why);
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (pod.spec.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  const { uid, annotations } = binding.metadata;
  if (uid !== undefined && uid !== "" && uid !== pod.metadata.uid) {
    throw refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ""}`);
  }
  if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  pod.spec = { ...pod.spec, nodeName: node };
  // Room is kept for it no longer (ClearingNominatedNodeNameAfterBinding).
  const { nominatedNodeName: _kept, ...status } = pod.status ?? {};
  const conditions = (status.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: formatTime(nowMs) };
  pod.status = { ...status, conditions: [...conditions, scheduled] };
  return pod;
}
