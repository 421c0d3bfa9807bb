/** DELETE of one object and of a collection. */
import type { KubeObject } from "../machinery/meta.ts";
import { fieldError, invalid, type FieldError, type StatusError } from "../machinery/status-error.ts";
import type { DeleteOptions } from "../registry/deletion.ts";
import { addDryRun, integerOption, isDryRun, writeContext, type Exchange, type Services } from "./exchange.ts";
import { listOptions } from "./list-options.ts";
import { respondObject, respondWritten, formOfRequest } from "./respond-object.ts";
import { successStatus } from "./respond-error.ts";
import { target } from "./write.ts";

interface DeleteOptionsBody {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

/** Kinds whose delete answers with the object that is gone, as in Kubernetes; all others answer a Status. */
const RETURNS_OBJECT = new Set(["pods", "services", "serviceaccounts", "persistentvolumeclaims", "persistentvolumes"]);

export async function handleDelete(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, info } = exchange;
  const form = formOfRequest(exchange);
  const { options, legacyCascade } = await deleteOptions(services, exchange);
  const result = await services.registry.delete({ ...target(exchange), options, context: writeContext(exchange) });
  if (!result.removed || RETURNS_OBJECT.has(resource.storageName)) {
    // 202 only for clients that still ask with orphanDependents: others were never told that a deletion may take time.
    const status = !result.removed && legacyCascade ? 202 : 200;
    return respondWritten(services, exchange, { result, form, status });
  }
  const { uid } = result.read().metadata;
  const details = {
    name: info.name,
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
    ...(uid === undefined ? {} : { uid }),
  };
  const plain = form.shape === "object" ? form : { ...form, shape: "object" as const };
  return respondObject(exchange, { form: plain, value: successStatus(details) });
}

export async function handleDeleteCollection(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, namespace } = exchange;
  const form = formOfRequest(exchange);
  const { selector } = listOptions(exchange, "list");
  const { options } = await deleteOptions(services, exchange);
  const deleted = await services.registry.deleteCollection({
    resource,
    namespace: namespace === "" ? undefined : namespace,
    selector,
    options,
    context: writeContext(exchange),
  });
  const revision = await services.cluster.storage.revision();
  const value = {
    kind: resource.listKind,
    apiVersion: resource.apiVersion,
    metadata: { resourceVersion: String(revision) },
    items: deleted.map((written) => withoutType(written.read())),
  };
  return respondObject(exchange, { form, value });
}

/** Items of a list say once what they are, above. */
function withoutType({ kind: _kind, apiVersion: _apiVersion, ...object }: KubeObject): object {
  return object;
}

/** From the body, or from the query where there is none. @throws StatusError BadRequest, Invalid */
async function deleteOptions(
  services: Services,
  exchange: Exchange,
): Promise<{ options: DeleteOptions; legacyCascade: boolean }> {
  const { query } = exchange;
  const body = ((await services.bodies.options(exchange)) ?? fromQuery(query)) as DeleteOptionsBody;
  const dryRun = body.dryRun ?? [];
  addDryRun(exchange, dryRun);
  isDryRun(exchange.query, "DeleteOptions");
  const options: DeleteOptions = {};
  if (body.gracePeriodSeconds !== undefined) options.gracePeriodSeconds = body.gracePeriodSeconds;
  if (body.preconditions !== undefined) options.preconditions = body.preconditions;
  const policy = policyOf(body);
  if (policy !== undefined) options.propagationPolicy = policy;
  return { options, legacyCascade: body.orphanDependents === false };
}

function fromQuery(query: URLSearchParams): DeleteOptionsBody {
  const body: DeleteOptionsBody = {};
  const grace = integerOption(query, "gracePeriodSeconds");
  if (grace !== undefined) body.gracePeriodSeconds = grace;
  const policy = query.get("propagationPolicy");
  if (policy !== null) body.propagationPolicy = policy;
  const orphan = query.get("orphanDependents");
  if (orphan !== null) body.orphanDependents = orphan === "true" || orphan === "1";
  return body;
}

function invalidOptions(error: FieldError): StatusError {
  return invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [error]);
}

const POLICIES = ["Foreground", "Background", "Orphan"] as const;

function policyOf({ propagationPolicy, orphanDependents }: DeleteOptionsBody): DeleteOptions["propagationPolicy"] {
  if (propagationPolicy === undefined || propagationPolicy === "") {
    if (orphanDependents === undefined) return undefined;
    return orphanDependents ? "Orphan" : "Background";
  }
  if (orphanDependents !== undefined) {
    throw invalidOptions(
      fieldError.invalid(
        "propagationPolicy",
        propagationPolicy,
        "orphanDependents and deletionPropagation cannot be both set",
      ),
    );
  }
  const known = POLICIES.find((policy) => policy === propagationPolicy);
  if (known === undefined)
    throw invalidOptions(fieldError.notSupported("propagationPolicy", propagationPolicy, [...POLICIES, "nil"]));
  return known;
}
