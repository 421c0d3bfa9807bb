import type { KubeObject } from "./meta.ts";
import type { Status } from "./status-error.ts";

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** One line of a watch stream. ERROR carries a Status and ends the stream. */
export type WatchEvent<T extends KubeObject = KubeObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; object: T }
  | { type: "ERROR"; object: Status };

/** Annotation of the bookmark that ends the initial events of a watch-list (KEP-3157). */
export const INITIAL_EVENTS_END = "k8s.io/initial-events-end";
