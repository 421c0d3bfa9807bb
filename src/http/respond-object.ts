/** One object (or list) as the client wants to see it. */
import { dump } from "js-yaml";
import type { KubeObject } from "../machinery/meta.ts";
import { badRequest } from "../machinery/status-error.ts";
import type { Written } from "../registry/context.ts";
import type { Exchange, Services } from "./exchange.ts";
import { negotiate, type Form } from "./negotiate.ts";
import { respondText } from "./response.ts";
import { partialOf, tableOf, tableRow, type IncludeObject } from "./table.ts";

type Parts = Pick<Exchange, "request" | "query" | "auditId" | "warnings">;

export function respondObject(
  exchange: Parts,
  { form, value, status }: { form: Form; value: unknown; status?: number },
): Response {
  const pretty = exchange.query.has("pretty") && exchange.query.get("pretty") !== "false";
  const text =
    form.encoding === "yaml" ? dump(value, { noRefs: true }) : JSON.stringify(value, undefined, pretty ? 2 : undefined);
  return respondText(text, {
    auditId: exchange.auditId,
    warnings: exchange.warnings,
    contentType: form.contentType,
    acceptEncoding: exchange.request.headers.get("accept-encoding"),
    ...(status === undefined ? {} : { status }),
  });
}

/** What a write (or a read) of one stored object answers. `form` was negotiated before anything was written. */
export function respondWritten(
  services: Services,
  exchange: Exchange,
  { result, form, status }: { result: Written; form: Form; status: number },
): Response {
  if (form.encoding === "json" && form.shape === "object" && !exchange.query.has("pretty")) {
    return respondText(result.text, { auditId: exchange.auditId, warnings: exchange.warnings, status });
  }
  return respondObject(exchange, { form, value: shaped(services, exchange, result.read(), form), status });
}

export function shaped(services: Services, { resource, query }: Exchange, object: KubeObject, form: Form): unknown {
  if (form.shape === "partial") return partialOf(object);
  if (form.shape === "object") return object;
  const view = { include: includeObjectOption(query), nowMs: services.cluster.platform.clock.now() };
  const { resourceVersion } = object.metadata;
  return tableOf(resource, resourceVersion === undefined ? {} : { resourceVersion }, {
    rows: [tableRow(resource, object, view)],
    columns: true,
  });
}

/** How much of each object a table row carries. @throws StatusError "BadRequest" */
export function includeObjectOption(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject");
  if (value === null || value === "" || value === "Metadata") return "Metadata";
  if (value === "None" || value === "Object") return value;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

export function formOfRequest(exchange: Exchange): Form {
  return negotiate(exchange.request.headers.get("accept"), ["object", "table", "partial"]);
}
