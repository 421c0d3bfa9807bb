/**
 * Requests that are made to cost: as much as a body may hold of whatever takes the most work. One list (index.ts) for the test, which
 * looks at the answers, and for the benchmark, which prints what each costs.
 */
import { VALUES_MAX } from "../../../src/machinery/object-limits.ts";
import type { TestRequest } from "../cluster.ts";

export interface HostileRequest {
  name: string;
  path: string;
  /** Made when it is needed: all of them together are a few hundred megabytes. */
  init(): TestRequest;
  status: number;
}

/** As long as a body may be, less a little for what goes around the hostile part. */
export const BODY_CHARACTERS = 3 * 1024 * 1024 - 1_000;
export const YAML_CHARACTERS = 1024 * 1024 - 1_000;

/** Fields and items until there are as many as one body may have, or as many characters; joined by `separator`. */
export function filled(characters: number, item: (at: number) => string, separator = ","): string {
  const items: string[] = [];
  let [length, values] = [0, 0];
  for (let at = 0; ; at += 1) {
    const next = item(at);
    length += next.length + separator.length;
    values += 1 + (next.match(/[,[{]/g)?.length ?? 0);
    if (length > characters || values > VALUES_MAX - 100) return items.join(separator);
    items.push(next);
  }
}

/** So many, and a few less for what else the object has. */
export function entries(count: number, item: (at: number) => string, separator = ","): string {
  return Array.from({ length: count - 10 }, (_, at) => item(at)).join(separator);
}

/** More than there may be. */
export function repeated(characters: number, item: string): string {
  return `${item},`.repeat(Math.floor(characters / (item.length + 1))) + item;
}

export const MAPS = "/api/v1/namespaces/default/configmaps";
export const PODS = "/api/v1/namespaces/default/pods";
export const STRICT = "?fieldValidation=Strict&dryRun=All";
export const WARN = "?fieldValidation=Warn&dryRun=All";
const JSON_TYPE = { "content-type": "application/json" };

type Rest = Partial<Pick<TestRequest, "method" | "headers">>;

export function sending(body: () => string | Uint8Array, rest: Rest = {}): HostileRequest["init"] {
  return () => ({ method: "POST", headers: JSON_TYPE, body: body(), ...rest });
}

/** A ConfigMap with more in it, as text. */
export const mapWith = (more: string): string =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},${more}}`;
