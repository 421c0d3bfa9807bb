import { humanDuration } from "../../../machinery/human-duration.ts";
import { defineKind, nameColumn } from "../../../registry/kind.ts";
import type { CoreEvent, ObjectReference } from "./types.ts";
import { validateEvent } from "./validation.ts";

/** Events go by themselves after an hour, as with Kubernetes' default --event-ttl. */
export const EVENT_LIFETIME_MS = 3_600_000;

export const eventKind = defineKind<CoreEvent>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Event",
  shortNames: ["ev"],
  columns: [
    { name: "Last Seen", type: "string", description: "When it happened last.", value: lastSeen },
    { name: "Type", type: "string", description: "Normal or Warning.", value: ({ type }) => type ?? "" },
    { name: "Reason", type: "string", description: "Why, in one word.", value: ({ reason }) => reason ?? "" },
    { name: "Object", type: "string", description: "What it happened to.", value: objectOf },
    {
      name: "Subobject",
      type: "string",
      priority: 1,
      description: "Which part of the object.",
      value: ({ involvedObject }) => involvedObject.fieldPath ?? "",
    },
    { name: "Source", type: "string", priority: 1, description: "Who reports it.", value: sourceOf },
    {
      name: "Message",
      type: "string",
      description: "What happened.",
      value: ({ message }) => (message ?? "").trim(),
    },
    {
      name: "First Seen",
      type: "string",
      priority: 1,
      description: "When it happened first.",
      value: ({ firstTimestamp, eventTime }, nowMs) => age(firstTimestamp ?? eventTime, nowMs),
    },
    { name: "Count", type: "string", priority: 1, description: "How often it happened.", value: countOf },
    { ...nameColumn, priority: 1 },
  ],
  strategy: {
    allowCreateOnUpdate: true,
    countsGenerations: false,
    validate: validateEvent,
    dependents: "unsupported",
    expiresMs: (_event, nowMs) => nowMs + EVENT_LIFETIME_MS,
    fields: fieldsOf,
  },
});

function fieldsOf(event: CoreEvent): Record<string, string> {
  const { reason, source, reportingComponent, type } = event;
  // Asked of an empty object, too, for the names of the fields.
  const involved: ObjectReference = event.involvedObject ?? {};
  return {
    "involvedObject.kind": involved.kind ?? "",
    "involvedObject.namespace": involved.namespace ?? "",
    "involvedObject.name": involved.name ?? "",
    "involvedObject.uid": involved.uid ?? "",
    "involvedObject.apiVersion": involved.apiVersion ?? "",
    "involvedObject.resourceVersion": involved.resourceVersion ?? "",
    "involvedObject.fieldPath": involved.fieldPath ?? "",
    reason: reason ?? "",
    reportingComponent: reportingComponent ?? "",
    source: source?.component || (reportingComponent ?? ""),
    type: type ?? "",
  };
}

function age(time: string | null | undefined, nowMs: number): string {
  return time ? humanDuration(nowMs - Date.parse(time)) : "<unknown>";
}

/** How often is a column of its own. */
function lastSeen({ series, firstTimestamp, lastTimestamp, eventTime }: CoreEvent, nowMs: number): string {
  return age(series ? series.lastObservedTime : (lastTimestamp ?? firstTimestamp ?? eventTime), nowMs);
}

function countOf({ series, count }: CoreEvent): number {
  return series ? (series.count ?? 0) : count || 1;
}

function objectOf({ involvedObject: { kind = "", name = "" } }: CoreEvent): string {
  return name === "" ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function sourceOf({ source, reportingComponent, reportingInstance }: CoreEvent): string {
  const component = source?.component || (reportingComponent ?? "");
  const host = source?.host || (reportingInstance ?? "");
  return host === "" ? component : `${component}, ${host}`;
}
