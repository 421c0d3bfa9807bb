/** DELETE of one object and of a collection. */
import { fieldError, invalid, type FieldError } from "../machinery/status-error.ts";
import type { WriteContext } from "../registry/context.ts";
import type { DeleteOptions } from "../registry/deletion.ts";
import { StorageError } from "../storage/errors.ts";
import type { ListPage, ListQuery, StoredObject } from "../storage/storage.ts";
import { decodeContinue, encodeContinue, expiredContinue } from "./continue-token.ts";
import { booleanOption, integerOption, writeContext, type Exchange, type Services } from "./exchange.ts";
import { listOptions } from "./list-options.ts";
import { wholeList } from "./list-text.ts";
import { formOfRequest, respondObject, respondWritten } from "./respond-object.ts";
import { successStatus } from "./respond-error.ts";
import { target } from "./write.ts";

interface DeleteOptionsBody {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

interface Asked {
  options: DeleteOptions;
  context: WriteContext;
  /** The client asks with `orphanDependents: false`, as before there were propagation policies. */
  legacyCascade: boolean;
}

export async function handleDelete(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, info } = exchange;
  const form = formOfRequest(exchange);
  const { options, context, legacyCascade } = await askedOf(services, exchange);
  const result = await services.registry.delete({ ...target(exchange), options, context });
  if (!result.removed || resource.stored.kind.answersDeleted) {
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

/** Objects that are read, deleted and answered at once. */
const PAGE = 500;

/** What was listed is deleted, page by page, and answered as it was before; a `limit` ends it after one page. */
export async function handleDeleteCollection(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, namespace } = exchange;
  const form = formOfRequest(exchange);
  const { selector, limit, continueToken } = listOptions(exchange, "list");
  const { options, context } = await askedOf(services, exchange);
  const token = continueToken === "" ? undefined : decodeContinue(continueToken);
  const query: ListQuery = { resource: resource.storageName, selector, limit: limit > 0 ? limit : PAGE };
  if (namespace !== "") query.namespace = namespace;
  if (token) query.after = token.after;
  if (token?.revision !== undefined) query.revision = token.revision;
  const nowMs = services.cluster.platform.clock.now();
  const objects: StoredObject[] = [];
  for (;;) {
    const page = await readPage(services, query, () => token && expiredContinue(token, nowMs));
    await services.registry.deleteListed({ resource, objects: page.objects, options, context });
    objects.push(...page.objects);
    const last = page.objects.at(-1);
    const after = page.more && last ? { namespace: last.namespace, name: last.name } : undefined;
    if (!after || limit > 0) {
      const issuedMs = token?.issuedMs ?? nowMs;
      const more = after ? { continue: encodeContinue({ revision: page.revision, after, issuedMs }) } : {};
      const meta = { resourceVersion: String(page.revision), ...more };
      const value = wholeList(services, exchange, { objects, meta, form, overlay: undefined });
      return respondObject(exchange, { form, value });
    }
    query.after = after;
    query.revision = page.revision;
  }
}

async function readPage(
  { cluster: { storage } }: Services,
  query: ListQuery,
  expired: () => Error | undefined,
): Promise<ListPage> {
  try {
    return await storage.list(query);
  } catch (error) {
    throw (error instanceof StorageError && error.code === "compacted" && expired()) || error;
  }
}

/** From the body, and only where there is none from the query: as ValidateDeleteOptions checks them. @throws StatusError BadRequest, Invalid */
async function askedOf(services: Services, exchange: Exchange): Promise<Asked> {
  const body = ((await services.bodies.options(exchange)) ?? fromQuery(exchange.query)) as DeleteOptionsBody;
  const { gracePeriodSeconds, preconditions, propagationPolicy: policy, orphanDependents: orphan, dryRun = [] } = body;
  const errors: FieldError[] = [];
  if (policy !== undefined && orphan !== undefined) {
    const why = "orphanDependents and deletionPropagation cannot be both set";
    errors.push(fieldError.invalid("propagationPolicy", policy, why));
  }
  const known = POLICIES.find((one) => one === policy);
  if (policy !== undefined && known === undefined) {
    errors.push(fieldError.notSupported("propagationPolicy", policy, [...POLICIES, "nil"]));
  }
  if (dryRun.some((value) => value !== "All")) errors.push(fieldError.notSupported("dryRun", dryRun, ["All"]));
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  const options: DeleteOptions = {};
  if (gracePeriodSeconds !== undefined) options.gracePeriodSeconds = gracePeriodSeconds;
  if (preconditions !== undefined) options.preconditions = preconditions;
  if (known !== undefined) options.propagationPolicy = known;
  else if (orphan !== undefined) options.propagationPolicy = orphan ? "Orphan" : "Background";
  const context = { ...writeContext(exchange), dryRun: dryRun.length > 0 };
  return { options, context, legacyCascade: orphan === false };
}

const POLICIES = ["Foreground", "Background", "Orphan"] as const;

/** Preconditions have names of their own here: Convert_url_Values_To_v1_DeleteOptions. */
function fromQuery(query: URLSearchParams): DeleteOptionsBody {
  const body: DeleteOptionsBody = { dryRun: query.getAll("dryRun") };
  const grace = integerOption(query, "gracePeriodSeconds");
  if (grace !== undefined) body.gracePeriodSeconds = grace;
  const policy = query.get("propagationPolicy");
  if (policy !== null) body.propagationPolicy = policy;
  const orphan = booleanOption(query, "orphanDependents");
  if (orphan !== undefined) body.orphanDependents = orphan;
  const [uid, resourceVersion] = [query.get("uid"), query.get("resourceVersion")];
  if (uid || resourceVersion) {
    body.preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
  }
  return body;
}
