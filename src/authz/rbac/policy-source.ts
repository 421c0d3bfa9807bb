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

export interface PolicyState {
  /** Of the last change to any of them, or later: of the state that this is. */
  revision: number;
  objects: readonly PolicyObject[];
  /** Absent: `objects` is all there is. */
  removed?: readonly Omit<PolicyObject, "value">[];
}

export interface PolicyReader {
  /**
   * All live ones, or with `since` (the revision of an earlier answer) those that changed and those that are gone, where that is still
   * known. @throws StorageError "unavailable"
   */
  policy(query?: { since: number }): Promise<PolicyState>;
  /** That revision alone. @throws StorageError "unavailable" */
  policyRevision(): Promise<number>;
}
