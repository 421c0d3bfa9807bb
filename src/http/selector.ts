/** The selectors of a request, checked against what the kind can select by. */
import type { FieldRequirement, LabelRequirement } from "../machinery/selectors.ts";
import { badRequest } from "../machinery/status-error.ts";
import type { Resource } from "../registry/scheme.ts";
import type { Selector } from "../storage/storage.ts";

const EVERYTHING: Selector = { labels: [], fields: [] };

/** `name` is that of a watch by path, "" for none. @throws StatusError "BadRequest" */
export function selectorOf(
  resource: Resource,
  { labels, fields, name }: { labels: LabelRequirement[]; fields: FieldRequirement[]; name: string },
): Selector {
  if (labels.length === 0 && fields.length === 0 && name === "") return EVERYTHING;
  const selected = fields.map((requirement) => supported(resource, requirement));
  if (name === "") return { labels, fields: selected };
  if (selected.length === 0) return { labels, fields: [{ field: "metadata.name", operator: "=", value: name }] };
  if (exactly(selected, "metadata.name") !== name) {
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
  return { labels, fields: selected };
}

/** The one value that a field can have in what is selected. */
export function exactly(fields: readonly FieldRequirement[], name: string): string | undefined {
  return fields.find(({ field, operator }) => field === name && operator === "=")?.value;
}

/** What clients of before v1 ask for (pkg/apis/core/v1/conversion.go of Kubernetes). */
const ALIASES: ReadonlyMap<string, string> = new Map([["pods spec.host", "spec.nodeName"]]);

function supported(resource: Resource, requirement: FieldRequirement): FieldRequirement {
  const field = ALIASES.get(`${resource.storageName} ${requirement.field}`) ?? requirement.field;
  const own = resource.selectableFields();
  if (field === "metadata.name" || own.has(field)) return { ...requirement, field: resource.storedField(field) };
  // A kind that lists its fields lists metadata.namespace only where it has one; all others take it without a word.
  const lists = own.size > 0;
  if (field === "metadata.namespace" && (resource.namespaced || !lists)) return requirement;
  throw badRequest(
    lists
      ? `field label not supported: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}
