/** What the loops keep of an object: never all of it. Field names stay those of Kubernetes where a field is kept as it is. */
import { formatTime, type KubeObject, type ObjectMeta, type OwnerReference } from "../../machinery/meta.ts";

export interface ViewMeta {
  /** "" for cluster-scoped objects. */
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels: Readonly<Record<string, string>>;
  /** Only where a loop reads annotations. */
  annotations?: Readonly<Record<string, string>>;
  ownerReferences: readonly OwnerReference[];
  finalizers: readonly string[];
}

export interface View {
  metadata: ViewMeta;
}

const NONE: readonly never[] = [];
const NO_LABELS: Readonly<Record<string, string>> = {};

export function metaView(meta: ObjectMeta, keep: { annotations?: (key: string) => boolean } = {}): ViewMeta {
  const view: ViewMeta = {
    namespace: meta.namespace ?? "",
    name: meta.name ?? "",
    uid: meta.uid ?? "",
    resourceVersion: meta.resourceVersion ?? "",
    generation: meta.generation ?? 0,
    creationTimestamp: meta.creationTimestamp ?? "",
    labels: meta.labels ?? NO_LABELS,
    ownerReferences: meta.ownerReferences ?? NONE,
    finalizers: meta.finalizers ?? NONE,
  };
  if (meta.deletionTimestamp !== undefined) view.deletionTimestamp = meta.deletionTimestamp;
  const { annotations } = keep;
  if (annotations && meta.annotations) {
    view.annotations = Object.fromEntries(Object.entries(meta.annotations).filter(([key]) => annotations(key)));
  }
  return view;
}

/** The view of a kind that only the garbage collector follows: who it is and who owns it. A cluster has many of these. */
export function ownershipOnly({ metadata }: KubeObject): View {
  return { metadata: { ...metaView(metadata), labels: NO_LABELS } };
}

/** The view of a kind of which only metadata matters. */
export function metadataOnly(object: KubeObject): View {
  return { metadata: metaView(object.metadata) };
}

/** The owner that manages an object. */
export function controllerOfView(view: View): OwnerReference | undefined {
  return view.metadata.ownerReferences.find((owner) => owner.controller === true);
}

/** A view of an object whose deletion this process has asked for. */
export function asDeleted<T extends View>(view: T, nowMs: number): T {
  if (view.metadata.deletionTimestamp !== undefined) return view;
  return { ...view, metadata: { ...view.metadata, deletionTimestamp: formatTime(nowMs) } };
}

/** Unix ms of a timestamp; `otherwise` where there is none or it cannot be read. */
export function timeMs(text: string | null | undefined, otherwise: number): number {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? otherwise : ms;
}

export function keyOf(meta: { namespace?: string; name?: string }): string {
  return meta.namespace ? `${meta.namespace}/${meta.name ?? ""}` : (meta.name ?? "");
}

/** The inverse of `keyOf`, as an address for the client. */
export function atOf(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
