/** Where roles and bindings come from: what of storage the policy needs to know. */

/** A role or binding as it is stored. */
export interface PolicyObject {
  /** Group-resource: "roles.rbac.authorization.k8s.io". */
  resource: string;
  /** "" of the cluster. */
  namespace: string;
  name: string;
  /** JSON */
  value: string;
}

/** A change of one. */
export interface PolicyChange extends PolicyObject {
  type: "ADDED" | "MODIFIED" | "DELETED";
  revision: number;
}

export interface PolicyReader {
  /** All live ones and the revision of the last change to any (or later), of one state. @throws StorageError "unavailable" */
  policy(): Promise<{ revision: number; objects: readonly PolicyObject[] }>;
  /** That revision alone. @throws StorageError "unavailable" */
  policyRevision(): Promise<number>;
}
