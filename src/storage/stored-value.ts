/**
 * The layout of `value`: canonical JSON that begins with `{"metadata":{` followed by at least one member (metadata always has
 * a name), without kind, apiVersion and resourceVersion. So serving an object is string concatenation, never a parse.
 */

const OPENING = '{"metadata":{';

/** `"kind":"Pod","apiVersion":"v1",` or "" for items of a typed list. */
export type Head = string;

export function headOf(apiVersion: string, kind: string): Head {
  return `"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
}

/**
 * Brings the value of a row into the form that readers with this head are served. Pure; most rows come back as they are. Whoever
 * knows the kinds gives it to those who do not (the hub).
 */
export type Present = (
  row: { resource: string; revision: number; form: string; value: string },
  asked: { head: Head },
) => string;

/** The JSON text of an object as it is served. */
export function renderObject(value: string, revision: number, head: Head): string {
  return `{${head}"metadata":{"resourceVersion":"${revision}",${value.slice(OPENING.length)}`;
}

/** The stored text of an object. `metadata` must hold at least a name. */
export function storedValue(object: { metadata: object; kind?: unknown; apiVersion?: unknown }): string {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _revision, ...meta } = metadata as { resourceVersion?: string };
  return JSON.stringify({ metadata: meta, ...rest });
}
