/**
 * GET of ComponentStatuses: what a healthy stock cluster answers. The scheduler and the controllers are part of the control plane here,
 * and the store is what the request itself would have failed without.
 */
import type { ComponentStatus } from "../kinds/core/componentstatuses/kind.ts";
import { notFound } from "../machinery/status-error.ts";
import type { Exchange, Services } from "./exchange.ts";
import { formOfRequest, includeObjectOption, respondObject, shaped } from "./respond-object.ts";
import { partialList, partialOf, tableOf, tableRow } from "./table.ts";

const COMPONENTS = ["scheduler", "controller-manager", "etcd-0"];

export function handleComponentStatuses(services: Services, exchange: Exchange): Promise<Response> {
  return Promise.resolve(respond(services, exchange));
}

function respond(services: Services, exchange: Exchange): Response {
  const { info, resource, query } = exchange;
  const form = formOfRequest(exchange);
  if (info.name !== "") {
    if (!COMPONENTS.includes(info.name)) throw notFound({ group: "", resource: resource.plural }, info.name);
    const { kind, apiVersion, ...component } = statusOf(info.name);
    const object = { kind: kind ?? "", apiVersion: apiVersion ?? "", ...component };
    return respondObject(exchange, { form, value: shaped(services, exchange, object, form) });
  }
  const items = COMPONENTS.map(statusOf);
  if (form.shape === "table") {
    const view = { include: includeObjectOption(query), nowMs: services.cluster.platform.clock.now() };
    const rows = items.map((item) => tableRow(resource, item, view));
    return respondObject(exchange, { form, value: tableOf(resource, {}, { rows, columns: true }) });
  }
  const value =
    form.shape === "partial"
      ? partialList(
          {},
          items.map((item) => partialOf(item)),
        )
      : {
          kind: resource.listKind,
          apiVersion: "v1",
          metadata: {},
          items: items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
        };
  return respondObject(exchange, { form, value });
}

function statusOf(name: string): ComponentStatus {
  return {
    kind: "ComponentStatus",
    apiVersion: "v1",
    metadata: { name },
    conditions: [{ type: "Healthy", status: "True", message: "ok" }],
  };
}
