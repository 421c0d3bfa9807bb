/** Object metadata as every Kubernetes object carries it. Fields are spelled as Kubernetes spells them. */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: "Apply" | "Update";
  apiVersion?: string;
  time?: string;
  fieldsType?: "FieldsV1";
  /** A field set in the form of machinery/apply/field-tree.ts; anything where a client sent it. */
  fieldsV1?: object;
  subresource?: string;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  /** Decimal string of the log revision; absent in what is stored, present in what is served. */
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339 in UTC with whole seconds, as are all times in metadata. */
  creationTimestamp?: string | null;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any API object. Kinds narrow `spec` and `status`. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface KubeList<T = KubeObject> {
  apiVersion?: string;
  kind?: string;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** metav1.Time: RFC 3339, UTC, whole seconds. */
export function formatTime(unixMs: number): string {
  return new Date(Math.floor(unixMs / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

/** metav1.MicroTime: RFC 3339, UTC, always six digits. */
export function formatMicroTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "000Z");
}

/** The owner that manages an object, if it has one. */
export function controllerOf(meta: ObjectMeta): OwnerReference | undefined {
  return meta.ownerReferences?.find((owner) => owner.controller === true);
}
