/**
 * A plugin sees an object after decoding and before it is stored. Order is fixed in index.ts.
 * Mutating runs before validating; patch and apply rerun both on each retry of the compare-and-swap.
 */
import type { User } from "../authn/authenticator.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { QuotaCharge, WriteCondition } from "../storage/storage.ts";

export interface AdmissionAttributes {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  group: string;
  version: string;
  kind: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  user: User;
  dryRun: boolean;
  /** The object as it would be stored; undefined for DELETE and CONNECT. Mutating plugins may change it in place. */
  object: KubeObject | undefined;
  oldObject: KubeObject | undefined;
  /** Conditions that the write itself must check in SQL; plugins may add to it. */
  conditions: WriteCondition[];
  /** What the write is charged to, and all quotas that were known of (ResourceQuota). */
  quotas?: { uids: readonly string[]; charges: readonly QuotaCharge[] };
  /** A write of the same was lost, because something that was remembered is true no more. */
  stale?: boolean;
  warn(text: string): void;
  /** What the audit log is to say of the request; absent where nobody keeps one. */
  annotate?(key: string, text: string): void;
  /** Takes questions that must still have their answers when the write is stored. */
  authorization: {
    /** @throws whatever the question throws */
    assert(question: () => Promise<{ revision?: number }>): Promise<void>;
  };
}

export interface AdmissionPlugin {
  name: string;
  /** @throws StatusError when the request is refused */
  mutate?(attributes: AdmissionAttributes): Promise<void> | void;
  /** Never mutates. @throws StatusError when the request is refused */
  validate?(attributes: AdmissionAttributes): Promise<void> | void;
}
