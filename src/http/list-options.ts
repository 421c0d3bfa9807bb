/** The options of list, watch and deletecollection: decoded, defaulted and checked in the order of k8s.io/apiserver. */
import { parseFieldSelector, parseLabelSelector } from "../machinery/selector-text.ts";
import { fieldError, invalid, type FieldError } from "../machinery/status-error.ts";
import type { Selector } from "../storage/storage.ts";
import { booleanOption, integerOption, type Exchange } from "./exchange.ts";
import { isAnyRevision } from "./resource-version.ts";
import { selectorOf } from "./selector.ts";

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

/** More objects than any cluster has: what is above it is as good, and no number that every database takes. */
const LIMIT_MAX = 2 ** 31;

/**
 * First what cannot be decoded (400), then what does not go together (422), then what the kind cannot select by (400).
 * @throws StatusError BadRequest, Invalid
 */
export function listOptions(exchange: Exchange, use: "list" | "watch"): ListOptions {
  const { query, info, resource } = exchange;
  // A watch by its old path (/api/v1/watch/…) is checked as the list that its query describes.
  const isWatch = use === "watch" && info.watchPath !== true;
  const timeoutSeconds = integerOption(query, "timeoutSeconds");
  const limit = integerOption(query, "limit") ?? 0;
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "");
  const asked = {
    limit: Math.min(Math.max(0, limit), LIMIT_MAX),
    continueToken: query.get("continue") ?? "",
    resourceVersion: query.get("resourceVersion") ?? "",
    match: query.get("resourceVersionMatch") ?? "",
    timeoutSeconds,
    allowWatchBookmarks: booleanOption(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: booleanOption(query, "sendInitialEvents"),
  };
  const options = isWatch ? withInitialEvents(asked) : asked;
  const errors = isWatch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
  const name = use === "watch" ? info.name : "";
  return { ...options, selector: selectorOf(resource, { labels, fields, name }) };
}

type Unselected = Omit<ListOptions, "selector">;

/** A watch from anywhere gets the initial events, marked at their end, without asking (SetListOptionsDefaults; KEP-3157). */
function withInitialEvents(options: Unselected): Unselected {
  if (options.sendInitialEvents !== undefined || options.match !== "") return options;
  if (!isAnyRevision(options.resourceVersion)) return options;
  return { ...options, sendInitialEvents: true, match: "NotOlderThan" };
}

const MATCH = "resourceVersionMatch";
const WITH_CONTINUE = "resourceVersionMatch is forbidden when continue is provided";

function listErrors({ match, resourceVersion, continueToken, sendInitialEvents }: Unselected): FieldError[] {
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

function watchErrors({ match, continueToken, sendInitialEvents }: Unselected): FieldError[] {
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
