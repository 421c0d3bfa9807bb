/** Formats that count for nothing: WarningsOnCreate and WarningsOnUpdate of apiextensions-apiserver's pkg/registry/customresourcedefinition. */
import { goQuote } from "../../../machinery/go-text.ts";
import { isKnownFormat } from "../../../schema/custom/formats.ts";
import { schemasIn } from "../../../schema/custom/json-schema.ts";
import { internalSpec } from "./internal-spec.ts";
import type { CustomResourceDefinition } from "./types.ts";

/** Headers are not without end. */
const WARNINGS_MAX = 20;

/** Those that are new. */
export function formatWarnings(definition: CustomResourceDefinition, old?: CustomResourceDefinition): string[] {
  const before = new Set(old ? unknownFormats(old) : []);
  return unknownFormats(definition)
    .filter((format) => !before.has(format))
    .slice(0, WARNINGS_MAX)
    .map((format) => `unrecognized format ${goQuote(format)}`);
}

function unknownFormats({ spec }: CustomResourceDefinition): string[] {
  const { shared, versions } = internalSpec(spec);
  return [shared, ...versions].flatMap(({ schema }) => {
    const root = schema?.openAPIV3Schema;
    if (!root) return [];
    return schemasIn(root).flatMap((one) =>
      one.format && !isKnownFormat({ ...one, "x-kubernetes-int-or-string": false }) ? [one.format] : [],
    );
  });
}
