/** The JSON of a list: a head, items that are spliced from stored text where the form allows it, and a tail. */
import type { KubeObject } from "../machinery/meta.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Resource } from "../registry/scheme.ts";
import { currentValue, decodeStored } from "../registry/stored-form.ts";
import type { StoredObject } from "../storage/storage.ts";
import { renderObject } from "../storage/stored-value.ts";
import type { Exchange, Services } from "./exchange.ts";
import type { Form } from "./negotiate.ts";
import type { Overlay } from "./overlays.ts";
import { goTypeOf, includeObjectOption } from "./respond-object.ts";
import { partialList, partialOf, tableOf, tableRow } from "./table.ts";

export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** head + items, with commas between several of them + tail. */
export interface ListText {
  head(meta: ListMeta): string;
  items(objects: readonly StoredObject[]): string;
  tail: string;
}

type Shaping = { form: Form; overlay: Overlay | undefined };

export function listText(services: Services, exchange: Exchange, { form, overlay }: Shaping): ListText {
  const { resource } = exchange;
  if (form.shape === "object" && !overlay) return storedText(services, resource);
  const shape = shapeOf(services, exchange, form);
  return {
    head: (meta) => {
      const empty = JSON.stringify(shape.list(meta, []));
      return empty.slice(0, empty.length - "]}".length);
    },
    items: (objects) =>
      inOrder(shape, decodedAll(resource, objects, overlay))
        .map((object) => JSON.stringify(shape.item(object)))
        .join(","),
    tail: "]}",
  };
}

/** The same as a value, for forms that are not written piece by piece. */
export function wholeList(
  services: Services,
  exchange: Exchange,
  { objects, meta, form, overlay }: Shaping & { objects: readonly StoredObject[]; meta: ListMeta },
): unknown {
  const shape = shapeOf(services, exchange, form);
  const items = inOrder(shape, decodedAll(exchange.resource, objects, overlay));
  return shape.list(
    meta,
    items.map((object) => shape.item(object)),
  );
}

/** No item in its current form is parsed; lists that a cache answers more than once are joined once. */
function storedText({ joinedLists }: Services, resource: Resource): ListText {
  const { listKind, apiVersion, itemHead } = resource;
  // The array is the same for every version; what is joined is the stored one.
  const shared = resource.stored === resource;
  return {
    head: (meta) => `{"kind":"${listKind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(meta)},"items":[`,
    items(objects) {
      const known = shared ? joinedLists.get(objects) : undefined;
      if (known !== undefined) return known;
      const joined = objects
        .map((stored) => renderObject(currentValue(resource, stored), stored.revision, itemHead))
        .join(",");
      if (shared) joinedLists.set(objects, joined);
      return joined;
    },
    tail: "]}",
  };
}

function decodedAll(resource: Resource, objects: readonly StoredObject[], overlay: Overlay | undefined): KubeObject[] {
  return objects.map((stored) => {
    const object = decodeStored(resource, stored);
    return overlay ? overlay(object) : object;
  });
}

/** Rows that have an order of their own come in it, page by page and slice by slice. */
function inOrder({ compare }: Shape, objects: KubeObject[]): KubeObject[] {
  return compare ? objects.toSorted(compare) : objects;
}

interface Shape {
  compare?: (a: KubeObject, b: KubeObject) => number;
  item(object: KubeObject): unknown;
  /** Its items are its last member. */
  list(meta: ListMeta, items: unknown[]): object;
}

/** @throws StatusError BadRequest, NotAcceptable */
function shapeOf(services: Services, { resource, query }: Exchange, form: Form): Shape {
  const { version } = form;
  switch (form.shape) {
    case "partial":
      if (form.as === "PartialObjectMetadata") {
        const type = goTypeOf(resource, "List");
        throw new StatusError(
          "NotAcceptable",
          `you requested PartialObjectMetadata, but the requested object is a list (${type})`,
        );
      }
      return {
        item: (object) => partialOf(object, version),
        list: (meta, items) => partialList(meta, items, version),
      };
    case "table": {
      const view = { include: includeObjectOption(query), nowMs: services.cluster.platform.clock.now(), version };
      const { kind } = resource;
      return {
        ...(kind.compareRows ? { compare: (a, b) => kind.compareRows?.(a, b) ?? 0 } : {}),
        item: (object) => tableRow(resource, object, view),
        list: (meta, rows) => tableOf(resource, meta, { rows, columns: true, version }),
      };
    }
    default:
      return {
        item: ({ kind: _kind, apiVersion: _apiVersion, ...object }) => object,
        list: (meta, items) => ({
          kind: resource.listKind,
          apiVersion: resource.apiVersion,
          metadata: meta,
          items,
        }),
      };
  }
}
