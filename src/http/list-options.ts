/** The options of list, watch and deletecollection, checked as k8s.io/apimachinery does. */
import { fieldError, invalid, type FieldError } from "../machinery/status-error.ts";
import type { Selector } from "../storage/storage.ts";
import { booleanOption, integerOption, type Exchange } from "./exchange.ts";
import { parseSelector } from "./selector.ts";

export interface ListOptions {
  selector: Selector;
  /** 0: all at once. */
  limit: number;
  continueToken: string;
  resourceVersion: string;
  match: string;
  timeoutSeconds: number | undefined;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
}

/** @throws StatusError BadRequest, Invalid */
export function listOptions(exchange: Exchange, use: "list" | "watch"): ListOptions {
  const { query, info, resource } = exchange;
  const options: ListOptions = {
    selector: parseSelector(resource, {
      labels: query.get("labelSelector"),
      fields: query.get("fieldSelector"),
      name: info.name,
    }),
    limit: Math.max(0, integerOption(query, "limit") ?? 0),
    continueToken: query.get("continue") ?? "",
    resourceVersion: query.get("resourceVersion") ?? "",
    match: query.get("resourceVersionMatch") ?? "",
    timeoutSeconds: integerOption(query, "timeoutSeconds"),
    allowWatchBookmarks: booleanOption(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: booleanOption(query, "sendInitialEvents"),
  };
  const errors = use === "watch" ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
  return options;
}

const MATCH = "resourceVersionMatch";
const WITH_CONTINUE = "resourceVersionMatch is forbidden when continue is provided";

function listErrors({ match, resourceVersion, continueToken, sendInitialEvents }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (match !== "") {
    if (resourceVersion === "") {
      errors.push(fieldError.forbidden(MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if (continueToken !== "") errors.push(fieldError.forbidden(MATCH, WITH_CONTINUE));
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push(fieldError.notSupported(MATCH, match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && resourceVersion === "0") {
      errors.push(fieldError.forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (sendInitialEvents !== undefined) {
    errors.push(fieldError.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  return errors;
}

function watchErrors({ match, continueToken, sendInitialEvents }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    errors.push(fieldError.forbidden(MATCH, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match !== "") {
    if (sendInitialEvents === undefined) {
      errors.push(
        fieldError.forbidden(MATCH, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
      );
    }
    if (match !== "NotOlderThan") errors.push(fieldError.notSupported(MATCH, match, ["NotOlderThan"]));
    if (continueToken !== "") errors.push(fieldError.forbidden(MATCH, WITH_CONTINUE));
  }
  return errors;
}
