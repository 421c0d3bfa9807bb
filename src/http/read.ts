/** GET of one object: stored text with its revision spliced in. */
import { renderStored } from "../registry/context.ts";
import { decodeStored } from "../registry/stored-form.ts";
import type { Exchange, Services } from "./exchange.ts";
import { tooLargeResourceVersion } from "./respond-error.ts";
import { formOfRequest, isStoredForm, respondObject, shaped } from "./respond-object.ts";
import { isAnyRevision, parseRevision } from "./resource-version.ts";
import { respondText } from "./response.ts";

export async function handleGet(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, namespace, info, query } = exchange;
  const form = formOfRequest(exchange);
  const asked = query.get("resourceVersion") ?? "";
  if (!isAnyRevision(asked)) await assertWritten(services, asked);
  const stored = await services.registry.get({ resource, namespace, name: info.name });
  const overlay = await services.overlays.for(resource, namespace);
  if (!overlay && isStoredForm(exchange, form)) {
    const { auditId, flowHeaders, warnings, sent } = exchange;
    return respondText(renderStored(resource, stored), { auditId, flowHeaders, warnings, sent });
  }
  const object = decodeStored(resource, stored);
  const value = shaped(services, exchange, overlay ? overlay(object) : object, form);
  return respondObject(exchange, { form, value });
}

async function assertWritten(services: Services, text: string): Promise<void> {
  const asked = parseRevision(text);
  const current = await services.cluster.storage.revision();
  if (asked > current) throw tooLargeResourceVersion(text, current);
}
