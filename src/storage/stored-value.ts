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
