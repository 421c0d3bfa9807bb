/**
 * A definition as Kubernetes' validation sees it: what all versions have alike is said once, at the top, and messages name it there
 * (`spec.validation.openAPIV3Schema…`, not `spec.versions[0].schema…`). Convert_v1_CustomResourceDefinitionSpec_To_apiextensions of
 * k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/conversion.go.
 */
import type { JsonSchema } from "../../../schema/custom/json-schema.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { CustomResourceDefinition, DefinitionVersion } from "./types.ts";

const SHARED = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"] as const;

export type SharedParts = Pick<DefinitionVersion, (typeof SHARED)[number]>;

export interface InternalSpec {
  /** What all versions have alike. */
  shared: SharedParts;
  /** The rest of each. */
  versions: DefinitionVersion[];
}

export function internalSpec({ versions = [] }: CustomResourceDefinition["spec"]): InternalSpec {
  const [first, ...others] = versions;
  if (!first) return { shared: {}, versions: [] };
  const names = SHARED.filter((name) => others.every((other) => sameJson(other[name], first[name])));
  const shared = Object.fromEntries(
    names.filter((name) => first[name] !== undefined).map((name) => [name, first[name]]),
  ) as SharedParts;
  const rest = versions.map((version) => {
    const copy = { ...version };
    for (const name of names) delete copy[name];
    return copy;
  });
  return { shared, versions: rest };
}

/** Does any version have a status of its own? Those with one have stricter rules for the root of their schema. */
export function hasStatus({ subresources }: SharedParts): boolean {
  return subresources?.status !== undefined;
}

/** The schemas of all versions, each once. */
export function schemasOf({ versions = [] }: CustomResourceDefinition["spec"]): JsonSchema[] {
  return versions.flatMap(({ schema }) => schema?.openAPIV3Schema ?? []);
}
