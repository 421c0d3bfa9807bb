/** Events: pkg/apis/core/validation/events.go of Kubernetes. */
import { byteLength, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { immutableMembers } from "../../immutable.ts";
import type { CoreEvent } from "./types.ts";

const TEXT_BYTES_MAX = 128;
const NOTE_BYTES_MAX = 1024;

/** What holds for both APIs. Events of new reporters have an eventTime, and more is asked of them. */
export function validateEvent(event: CoreEvent): FieldError[] {
  return event.eventTime ? newStyleErrors(event) : placeErrors(event, ["default"]);
}

/** An event lives where its object does; one about something without a namespace lives in one of these. */
function placeErrors({ metadata, involvedObject }: CoreEvent, clusterWide: readonly string[]): FieldError[] {
  const of = involvedObject.namespace ?? "";
  const own = metadata.namespace ?? "";
  if (of === "" ? clusterWide.includes(own) : of === own) return [];
  return [fieldError.invalid("involvedObject.namespace", of, "does not match event.namespace")];
}

function newStyleErrors(event: CoreEvent): FieldError[] {
  const { involvedObject, reportingComponent = "", reportingInstance, action, reason, message = "" } = event;
  const errors = involvedObject.namespace ? [] : placeErrors(event, ["default", "kube-system"]);
  if (reportingComponent === "") errors.push(fieldError.required("reportingController"));
  errors.push(...invalidFor("reportingController", reportingComponent, qualifiedNameFaults(reportingComponent)));
  for (const [name, value = ""] of Object.entries({ reportingInstance, action, reason })) {
    if (value === "") errors.push(fieldError.required(name));
    else if (byteLength(value) > TEXT_BYTES_MAX) {
      errors.push(fieldError.invalid(name, "", `can have at most ${TEXT_BYTES_MAX} characters`));
    }
  }
  if (byteLength(message) > NOTE_BYTES_MAX) {
    errors.push(fieldError.invalid("message", "", `can have at most ${NOTE_BYTES_MAX} characters`));
  }
  return errors;
}

/** What holds for writes through events.k8s.io only. The paths are those of the core API, as in Kubernetes. */
export function validateStrictly(event: CoreEvent, old: CoreEvent | undefined): FieldError[] {
  return old ? changeErrors(event, old) : creationErrors(event);
}

function creationErrors(event: CoreEvent): FieldError[] {
  const errors = seriesErrors(event);
  if (!event.eventTime) errors.push(fieldError.required("eventTime"));
  if (event.type !== "Normal" && event.type !== "Warning") {
    errors.push(fieldError.invalid("type", "", `has invalid value: ${event.type ?? ""}`));
  }
  const { firstTimestamp, lastTimestamp, count, source } = event;
  const used = { firstTimestamp, lastTimestamp, count, source: source?.component || source?.host };
  for (const [name, value] of Object.entries(used)) {
    if (value) errors.push(fieldError.invalid(name, "", "needs to be unset"));
  }
  return errors;
}

function seriesErrors({ series }: CoreEvent): FieldError[] {
  if (!series) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(fieldError.invalid("series.count", "", "should be at least 2"));
  if (!series.lastObservedTime) errors.push(fieldError.required("series.lastObservedTime"));
  return errors;
}

function changeErrors(event: CoreEvent, old: CoreEvent): FieldError[] {
  return [
    ...(sameJson(event.series, old.series) ? [] : seriesErrors(event)),
    ...immutableMembers(event, old, {
      field: "",
      members: [
        "involvedObject",
        "reason",
        "message",
        "source",
        "firstTimestamp",
        "lastTimestamp",
        "count",
        "type",
        "eventTime",
        "action",
        "related",
        "reportingComponent",
        "reportingInstance",
      ],
    }),
  ];
}
