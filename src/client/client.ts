/** A typed client on `fetch`: in the process (`app.fetch`) or remote. Control loops and agents use nothing else. */
import type { ResourceRef } from "../machinery/gvk.ts";
import type { KubeList, KubeObject } from "../machinery/meta.ts";
import type { WatchEvent } from "../machinery/watch-event.ts";

export type Fetch = (request: Request) => Promise<Response>;

export interface ClientOptions {
  /** e.g. "https://127.0.0.1:6443", without a slash at the end. */
  baseUrl: string;
  fetch: Fetch;
  /** Asked for on every request, so that a renewed credential is used at once. */
  token(): string | Promise<string>;
  userAgent: string;
}

export interface At {
  namespace?: string;
  name: string;
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
}

export interface WatchOptions extends Omit<ListOptions, "limit" | "continue"> {
  resourceVersion: string;
  allowWatchBookmarks?: boolean;
  timeoutSeconds?: number;
  signal: AbortSignal;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Orphan" | "Background" | "Foreground";
  preconditions?: { uid?: string; resourceVersion?: string };
}

export type PatchType = "merge" | "json" | "strategic";

/** Every method @throws StatusError with the reason the server gave; an unreachable server is "ServiceUnavailable". */
export interface Client {
  get<T extends KubeObject>(ref: ResourceRef, at: At, subresource?: string): Promise<T>;
  /** Follows continue tokens unless `limit` is set. */
  list<T extends KubeObject>(ref: ResourceRef, options?: ListOptions): Promise<KubeList<T>>;
  create<T extends KubeObject>(ref: ResourceRef, object: T, at?: { namespace?: string }): Promise<T>;
  /** POST to a subresource: binding, token, eviction. */
  createSubresource<R>(ref: ResourceRef, at: At, subresource: string, body: unknown): Promise<R>;
  update<T extends KubeObject>(ref: ResourceRef, object: T, subresource?: string): Promise<T>;
  patch<T extends KubeObject>(
    ref: ResourceRef,
    at: At,
    type: PatchType,
    body: unknown,
    subresource?: string,
  ): Promise<T>;
  delete(ref: ResourceRef, at: At, options?: DeleteOptions): Promise<void>;
  /** With `limit` it deletes so many; the answer says where to go on. */
  deleteCollection(ref: ResourceRef, options?: ListOptions & DeleteOptions): Promise<{ continue?: string }>;
  /** Ends when the server ends it or the signal fires; an ERROR event is thrown as StatusError ("Expired": list again). */
  watch<T extends KubeObject>(ref: ResourceRef, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
}
