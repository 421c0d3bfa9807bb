/**
 * A strategy says what differs between kinds; registry.ts alone fixes the order:
 * decode → default → mutating admission → default → generateName → prepare → validate → validating admission → write.
 * Modelled on rest.RESTCreateStrategy of k8s.io/apiserver.
 */
import type { User } from "../authn/authenticator.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { FieldError } from "../machinery/status-error.ts";
import type { Random } from "../platform/platform.ts";
import type { WriteCondition } from "../storage/storage.ts";

export interface StrategyContext {
  /** Unix ms. */
  nowMs: number;
  /** The subresource that is written, "" for the object itself. */
  subresource: string;
  /** Who writes, where that becomes part of the object (CertificateSigningRequests). */
  user?: User;
}

export interface AllocationContext {
  serviceCidr: string;
  /** From 1; raised when the conditions of the one before made its write fail as "taken". */
  attempt: number;
  /** Does a live object of the resource have this value in a stored field? Cheap where the field is looked up (storage). */
  isUsed(value: { resource: string; field: string; value: string }): Promise<boolean>;
  exists(key: { resource: string; namespace: string; name: string }): Promise<boolean>;
  /** Values of a stored field (or `metadata.name`) over all live objects of a resource, e.g. all ClusterIPs. Reads all of them: for a last resort. */
  used(resource: string, field: string): Promise<ReadonlySet<string>>;
  random: Random;
}

/** Resources as the log names them: "ipaddresses.networking.k8s.io". */
export type Companion =
  /** Whose name and namespace are in its metadata; the registry adds what a creation adds. */
  { op: "create"; resource: string; object: KubeObject } | { op: "remove"; resource: string; name: string };

export interface Strategy<T extends KubeObject = KubeObject> {
  /** Sets defaults in place. Idempotent; runs on every write after decoding and again after admission. */
  default?(obj: T): void;
  /** Clears what a client may not set on create (status, generation is set by the registry). Mutates obj. */
  prepareForCreate?(obj: T, context: StrategyContext): void;
  /** Carries over from `old` what this update may not change. Mutates obj, never old. */
  prepareForUpdate?(obj: T, old: T, context: StrategyContext): void;
  /** Never mutates. Returns [] when valid. Metadata itself is checked by the registry. */
  validate?(obj: T): FieldError[];
  /** What takes WebCrypto to tell of a new object (signatures). Its faults stand before those of `validate`. Never mutates. */
  verify?(obj: T): Promise<FieldError[]>;
  /** What only a new object must hold to; `validate` has run. Never mutates. */
  validateCreate?(obj: T): FieldError[];
  /** Immutability and transitions; `validate` has run. Never mutates. */
  validateUpdate?(obj: T, old: T, context: StrategyContext): FieldError[];
  /**
   * Picks what must be unique in the cluster (ClusterIPs) and returns the conditions that make the write fail as "taken" when
   * another was faster; the registry then calls it again on a fresh copy. Runs after admission, before validation.
   */
  allocate?(obj: T, old: T | undefined, context: AllocationContext): Promise<WriteCondition[]>;
  /**
   * Objects of other kinds that come and go with this one, in the same transaction (the IPAddress of a ClusterIP). `old` is undefined
   * on create, `now` on delete. Pure; runs last, on what will be stored.
   */
  companions?(change: { now: T | undefined; old: T | undefined }): Companion[];
  /** Warnings for the client, shown as `Warning: 299` headers. `old` is undefined on create. */
  warnings?(obj: T, old?: T): string[];
  /** Selectable fields beyond metadata.name and metadata.namespace. Values are strings; absent is "". */
  fields?(obj: T): Record<string, string>;
  /** Why this object may never be deleted, if so ("this is a system priority class …"). */
  forbidsDelete?(obj: T): string | undefined;
  /**
   * Seconds of grace for a delete, for kinds that know grace: 0 removes at once, undefined too. `asked` is what the client sent,
   * never negative. After RESTGracefulDeleteStrategy of k8s.io/apiserver.
   */
  gracePeriodSeconds?(obj: T, asked: number | undefined): number | undefined;
  /**
   * What becomes of dependents where neither the request nor the object says it: they go (the default), or they stay ("orphan": Jobs,
   * for old clients' sake). "unsupported": the collector leaves the kind alone, so no finalizer of its may be set (Events).
   */
  dependents?: "delete" | "orphan" | "unsupported";
  /** Unix ms at which the object removes itself (Events). */
  expiresMs?(obj: T, nowMs: number): number;
  /**
   * False where metadata.generation is never set, because the strategy upstream counts no changes of a spec (ConfigMap, Service, Node …).
   * Default true.
   */
  countsGenerations?: boolean;
  /** True when an update without resourceVersion is allowed (built-ins: true, the default). */
  allowUnconditionalUpdate?: boolean;
  /** True when PUT of a missing name creates it (leases, and what a node registers). */
  allowCreateOnUpdate?: boolean;
  /**
   * What a write through a subresource can own: paths of field sets (`["f:spec", "f:containers", "*", "f:resources"]`, "*" any one
   * element), by subresource. Absent: everything. The reset fields of k8s.io/apiserver's strategies.
   */
  ownableParts?: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** True when a write of the status changes nothing else (custom resources). Of other kinds it may change annotations, too. */
  statusWritesKeepMetadata?: boolean;
}

/** What a name of this kind must look like; see k8s.io/apimachinery/pkg/api/validation. */
export type { NameRule } from "../machinery/names.ts";
