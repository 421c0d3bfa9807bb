/** Label and field selectors of a request, checked against what the kind can select by. */
import { parseFieldSelector, parseLabelSelector } from "../machinery/selector-text.ts";
import type { FieldRequirement } from "../machinery/selectors.ts";
import { badRequest } from "../machinery/status-error.ts";
import type { Resource } from "../registry/scheme.ts";
import type { Selector } from "../storage/storage.ts";

const EVERYTHING: Selector = { labels: [], fields: [] };

/** @throws StatusError "BadRequest" */
export function parseSelector(
  resource: Resource,
  { labels, fields, name }: { labels: string | null; fields: string | null; name: string },
): Selector {
  if (!labels && !fields && name === "") return EVERYTHING;
  const selector = {
    labels: labels ? parseLabelSelector(labels) : [],
    fields: fields ? fieldsOf(resource, fields) : [],
  };
  if (name !== "") {
    // A watch of one object by its path: the selector must not contradict it.
    const other = selector.fields.find(
      ({ field, operator, value }) => field === "metadata.name" && operator === "=" && value !== name,
    );
    if (other) throw badRequest("fieldSelector metadata.name doesn't match requested name");
    selector.fields.push({ field: "metadata.name", operator: "=", value: name });
  }
  return selector;
}

function fieldsOf(resource: Resource, text: string): FieldRequirement[] {
  const requirements = parseFieldSelector(text);
  for (const { field } of requirements) {
    if (!isSelectable(resource, field)) throw badRequest(`field label not supported: ${field}`);
  }
  return requirements.map((requirement) => ({ ...requirement, field: resource.storedField(requirement.field) }));
}

function isSelectable(resource: Resource, field: string): boolean {
  return field === "metadata.name" || field === "metadata.namespace" || resource.selectableFields().has(field);
}
