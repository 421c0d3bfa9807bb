/** One object (or list) as the client wants to see it. */
import { dump } from "js-yaml";
import type { KubeObject } from "../machinery/meta.ts";
import { goQuote } from "../machinery/go-text.ts";
import { badRequest, StatusError } from "../machinery/status-error.ts";
import type { Written } from "../registry/context.ts";
import type { Resource } from "../registry/scheme.ts";
import type { Exchange, Services } from "./exchange.ts";
import { isPretty, negotiate, type Form } from "./negotiate.ts";
import { respondText } from "./response.ts";
import { partialOf, tableOf, tableRow, type IncludeObject, type Tabled } from "./table.ts";

type Parts = Pick<Exchange, "request" | "query" | "auditId" | "flowHeaders" | "warnings" | "sent">;

export function respondObject(
  exchange: Parts,
  { form, value, status }: { form: Form; value: unknown; status?: number },
): Response {
  const pretty = form.pretty || isPretty(exchange.request, exchange.query);
  return respondText(encoded(value, { ...form, pretty }), {
    auditId: exchange.auditId,
    flowHeaders: exchange.flowHeaders,
    warnings: exchange.warnings,
    contentType: form.contentType,
    acceptEncoding: exchange.request.headers.get("accept-encoding"),
    sent: exchange.sent,
    ...(status === undefined ? {} : { status }),
  });
}

/** The text of a value in a form. */
export function encoded(value: unknown, { encoding, pretty }: Pick<Form, "encoding" | "pretty">): string {
  if (encoding === "yaml") return dump(value, { noRefs: true, sortKeys: true, lineWidth: -1 });
  return JSON.stringify(value, undefined, pretty ? 2 : undefined);
}

/** Can a stored text be sent as it is? */
export function isStoredForm(exchange: Parts, form: Form): boolean {
  return (
    form.encoding === "json" && form.shape === "object" && !form.pretty && !isPretty(exchange.request, exchange.query)
  );
}

/** What a write (or a read) of one stored object answers. `form` was negotiated before anything was written. */
export function respondWritten(
  services: Services,
  exchange: Exchange,
  { result, form, status }: { result: Written; form: Form; status: number },
): Response {
  if (isStoredForm(exchange, form)) {
    const { auditId, flowHeaders, warnings, sent } = exchange;
    return respondText(result.text, { auditId, flowHeaders, warnings, sent, status });
  }
  return respondObject(exchange, { form, value: shaped(services, exchange, result.read(), form), status });
}

/** `tabled` has the columns where the object is not of the resource itself. */
export function shaped(
  services: Services,
  { resource, query, tabled = resource }: Pick<Exchange, "resource" | "query"> & { tabled?: Tabled },
  object: KubeObject,
  form: Form,
): unknown {
  if (form.shape === "object") return object;
  const apiVersion = `meta.k8s.io/${form.version}`;
  if (form.shape === "partial") {
    if (form.as === "PartialObjectMetadata") return { ...partialOf(object), apiVersion };
    throw new StatusError(
      "NotAcceptable",
      `you requested PartialObjectMetadataList, but the requested object is not a list (${goTypeOf(resource)})`,
    );
  }
  const view = { include: includeObjectOption(query), nowMs: services.cluster.platform.clock.now() };
  const { resourceVersion } = object.metadata;
  const metadata = resourceVersion === undefined ? {} : { resourceVersion };
  const row = tableRow(tabled, object, view);
  return { ...tableOf(tabled, metadata, { rows: [row], columns: true }), apiVersion };
}

/** As Kubernetes names its internal type in messages, e.g. "*core.Pod". */
export function goTypeOf({ group, kind }: Resource, suffix = ""): string {
  return `*${group === "" ? "core" : group.split(".", 1)[0]}.${kind.kind}${suffix}`;
}

/** How much of each object a table row carries. @throws StatusError "BadRequest" */
export function includeObjectOption(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject");
  if (value === null || value === "" || value === "Metadata") return "Metadata";
  if (value === "None" || value === "Object") return value;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${goQuote(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export function formOfRequest(exchange: Exchange): Form {
  return negotiate(exchange.request.headers.get("accept"), ["object", "table", "partial"]);
}
