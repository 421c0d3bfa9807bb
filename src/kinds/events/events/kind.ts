import type { KubeObject } from "../../../machinery/meta.ts";
import { defineKind } from "../../../registry/kind.ts";
import { eventKind } from "../../core/events/kind.ts";
import type { CoreEvent } from "../../core/events/types.ts";
import { validateStrictly } from "../../core/events/validation.ts";
import type { Event } from "./types.ts";

/** What the core API calls each field that has another name here. */
const CORE_NAMES: Readonly<Record<string, string>> = {
  regarding: "involvedObject",
  note: "message",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
};
const NAMES = Object.fromEntries(Object.entries(CORE_NAMES).map(([name, core]) => [core, name]));

const REFERENCE_FIELDS = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

export const eventsEventKind = defineKind<Event>({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
  schema: "io.k8s.api.events.v1.Event",
  shortNames: ["ev"],
  storedAs: {
    kind: eventKind,
    toStored: (event) => ({ involvedObject: {}, ...renamed(event, CORE_NAMES) }),
    fromStored: (event) => renamed(event, NAMES),
    validate: (event, old) => validateStrictly(event as CoreEvent, old as CoreEvent | undefined),
    fields: {
      ...Object.fromEntries(REFERENCE_FIELDS.map((name) => [`regarding.${name}`, `involvedObject.${name}`])),
      reason: "reason",
      reportingController: "reportingComponent",
      type: "type",
    },
  },
});

function renamed(event: KubeObject, names: Readonly<Record<string, string>>): KubeObject {
  const { metadata, ...rest } = event;
  const members = Object.entries(rest).map(([name, value]) => [names[name] ?? name, value] as const);
  return { metadata, ...Object.fromEntries(members) };
}
