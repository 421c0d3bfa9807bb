/**
 * From the form an object was stored in to the one it is asked for in, and back. Text in the current form of the version asked for
 * is never parsed; everything else is decoded → pruned and defaulted in the version it was written in → converted → defaulted →
 * encoded.
 */
import { copyJson } from "../machinery/copy-json.ts";
import { apiVersionOf } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { StoredObject } from "../storage/storage.ts";
import { renderObject, storedValue, type Present } from "../storage/stored-value.ts";
import type { Resource, Scheme } from "./scheme.ts";

/** The parts of a row that its form depends on. */
export type StoredText = Pick<StoredObject, "form" | "value" | "revision">;

/** The object of a row, complete with kind, apiVersion and resourceVersion, in the version and current form of `resource`. */
export function decodeStored(resource: Resource, row: StoredText): KubeObject {
  const { stored } = resource;
  const object = JSON.parse(renderObject(row.value, row.revision, stored.head)) as KubeObject;
  return fromStored(resource, row.form === stored.form ? object : upgraded(stored, object, row.form));
}

/** `value` as this version serves it. */
export function currentValue(resource: Resource, row: StoredText): string {
  if (resource.stored === resource && row.form === resource.form) return row.value;
  return storedValue(decodeStored(resource, row));
}

/** An object as a client sent it, or as its patch left it, in the form that is stored. It may be changed on the way. */
export function toStored(resource: Resource, object: KubeObject): KubeObject {
  const { stored, kind } = resource;
  if (stored === resource || !kind.storedAs) return object;
  kind.strategy.default?.(object);
  return typed(stored, kind.storedAs.toStored(object));
}

/** An object of the stored version in this one. */
export function fromStored(resource: Resource, object: KubeObject): KubeObject {
  const { stored, kind } = resource;
  if (stored === resource || !kind.storedAs) return object;
  return resource.canonical(typed(resource, kind.storedAs.fromStored(object)));
}

/** An object of one version in another of those that are stored together. */
export function convert(object: KubeObject, { from, to }: { from: Resource; to: Resource }): KubeObject {
  return from === to ? object : fromStored(to, toStored(from, copyJson(object)));
}

/** From another version, or an older generation of the schema, to the current form. A version nobody knows any more is taken as it is. */
function upgraded(stored: Resource, object: KubeObject, form: string): KubeObject {
  const version = form.slice(0, form.lastIndexOf("/"));
  const written = stored.versions.get(apiVersionOf({ group: stored.group, version })) ?? stored;
  const pruned = written.canonical(typed(written, object));
  const current = written === stored ? pruned : toStored(written, pruned);
  stored.strategy.default?.(current);
  return stored.canonical(current);
}

function typed({ kind, apiVersion }: Resource, object: KubeObject): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return { kind: kind.kind, apiVersion, ...rest };
}

/** Brings the value of a row into the form that a watcher with this head asked for: what the hub is given to know of forms. */
export function createPresenter(scheme: Scheme): Present {
  const byHead = new Map(scheme.resources.map((resource) => [resource.head, resource]));
  return (row, { head }) => {
    const resource = byHead.get(head);
    return resource?.storageName === row.resource ? currentValue(resource, row) : row.value;
  };
}
