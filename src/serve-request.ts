/**
 * The way of one request: who sent it, whose turn it is, what they may, and what serves it. It is counted and recorded at both ends, and
 * whatever fails is answered.
 */
import { openerOf, type User } from "./authn/authenticator.ts";
import type { ClientCertificates } from "./authn/client-certificate.ts";
import { tokenOf, type RequestAuthenticator } from "./authn/index.ts";
import type { Authorization } from "./authz/authorization.ts";
import { isMaster, Refusal } from "./authz/index.ts";
import type { FlowControl } from "./flowcontrol/flow-control.ts";
import type { Seat } from "./flowcontrol/priority-level.ts";
import type { StoredFlows } from "./flowcontrol/stored-flows.ts";
import type { AuditedExchange, AuditRecorder } from "./http/audit-recorder.ts";
import { actingUser, authorizeRequest } from "./http/authorize.ts";
import type { Exchange, Services } from "./http/exchange.ts";
import { flowRequest, isStream } from "./http/flow-request.ts";
import { methodNotAllowed, pageNotFound, type ServedPaths } from "./http/paths.ts";
import { parseRequest, splitUrl, type RequestInfo } from "./http/request-info.ts";
import type { Counted, RequestMetrics } from "./http/request-metrics.ts";
import { handlerOf } from "./http/resources.ts";
import { isAnyRevision } from "./http/resource-version.ts";
import { respondError } from "./http/respond-error.ts";
import type { FlowHeaders } from "./http/response.ts";
import { findReview, handleReview } from "./http/reviews.ts";
import { StatusError } from "./machinery/status-error.ts";
import type { Log, Random } from "./platform/platform.ts";
import type { AgentRoutes } from "./relay/agent-routes.ts";

/** Serves a request: of who its credential says, or of a user in the process. Never throws. */
export type Serve = (api: Api, request: Request, user: User | undefined) => Promise<Response>;

export function createServe({
  requests,
  random,
  log,
}: {
  requests: Pick<RequestMetrics, "begin" | "end">;
  random: Random;
  log: Log;
}): Serve {
  return async (api, request, user) => {
    const auditId = random.uuid();
    const call = newCall({ request, user, auditId });
    requests.begin(call);
    let response: Response;
    try {
      response = await answer(api, call);
    } catch (error) {
      call.failure = error;
      response = respondError(error, { log, auditId, flowHeaders: call.flowHeaders, request });
    }
    requests.end(call, response.status);
    return api.recorder ? await api.recorder.answered(call, response) : response;
  };
}

/** A request on its way: what is learnt of it is noted down for the metrics. */
interface Call extends Counted, AuditedExchange {
  /** Of clients in the process. */
  user: User | undefined;
  flowHeaders: FlowHeaders;
}

const NO_HEADERS: FlowHeaders = {};

function newCall({ request, user, auditId }: Pick<Call, "request" | "user" | "auditId">): Call {
  return {
    request,
    user,
    auditId,
    info: undefined,
    resource: undefined,
    bodyLength: 0,
    startMs: 0,
    isInternal: user !== undefined,
    actor: user,
    acting: user,
    authorized: undefined,
    annotations: undefined,
    failure: undefined,
    answerHead: "",
    flowHeaders: NO_HEADERS,
  };
}

/** What requests meet on their way. */
export interface Api {
  services: Services;
  /** For requests whose authorization rests on the policy. */
  checked: Services;
  authenticator: RequestAuthenticator;
  certificates: ClientCertificates;
  authorize(): Authorization;
  paths: ServedPaths;
  agentRoutes: AgentRoutes | undefined;
  recorder: AuditRecorder | undefined;
  flows: FlowControl;
  storedFlows: StoredFlows;
}

/** Shared by all requests without a query: never changed. */
const NO_OPTIONS = new URLSearchParams();

async function answer(api: Api, call: Call): Promise<Response> {
  const { request } = call;
  const { path, query } = splitUrl(request.url);
  if (api.agentRoutes && path.startsWith("/agent/v1/")) return await serveAgent(api, request, path);
  const info = parseRequest(request.method, path, query);
  call.info = info;
  const authorization = api.authorize();
  const user = call.user ?? (await userOf(api, authorization, call, path));
  if (api.recorder?.identified(call)) call.annotations = new Map();
  const seat = await seatFor(api, call, { user, info });
  try {
    return await authorizedAnswer(api, call, { info, path, query, user, authorization });
  } finally {
    seat?.leave();
  }
}

/** A place in the order of priority and fairness; streams take none, and a watch leaves it when its answer begins. */
async function seatFor(
  { flows, storedFlows }: Api,
  call: Call,
  { user, info }: { user: User; info: RequestInfo },
): Promise<Seat | undefined> {
  // The system itself, which makes what would be read, waits for nothing.
  const reading = call.isInternal && isMaster({ user }) ? undefined : storedFlows.ready();
  if (reading) await reading;
  const flow = flows.classify(user, flowRequest(info));
  call.flowHeaders = flow.headers;
  return isStream(info) ? undefined : await flow.enter(() => call.request.signal);
}

async function authorizedAnswer(api: Api, call: Call, at: Omit<Asked, "options">): Promise<Response> {
  const { info, query, user, authorization } = at;
  const options = query === "" ? NO_OPTIONS : new URLSearchParams(query);
  try {
    const reason = isMaster({ user }) ? "" : await authorizeRequest(authorization, { user, info, options });
    call.authorized = { decision: "allow", reason };
  } catch (error) {
    noteRefusal(call, error);
    throw error;
  }
  const asked: Asked = { ...at, options };
  if (!authorization.restsOnPolicy) return await respond(api.services, api, call, asked);
  const refused = (error: unknown) => noteRefusal(call, error);
  return await confirmed(asked, { respondTo: () => respond(api.checked, api, call, asked), refused });
}

/** For the audit log. What is no refusal leaves it open whether it would have been allowed. */
function noteRefusal(call: Call, error: unknown): void {
  call.authorized = error instanceof Refusal ? { decision: "forbid", reason: error.why } : undefined;
}

interface Asked {
  info: RequestInfo;
  path: string;
  query: string;
  options: URLSearchParams;
  user: User;
  authorization: Authorization;
}

/** As long as tokens are remembered: documents of the API hold nothing of the cluster's but the names of its kinds. */
const DOCUMENTS_STALE_MS = 5_000;

/** Nothing is answered, not even a failure, that the user may not know by the policy as it is now. */
async function confirmed(
  { info, options, authorization }: Asked,
  { respondTo, refused }: { respondTo: () => Promise<Response>; refused: (error: unknown) => void },
): Promise<Response> {
  const staleness = info.isResource ? {} : { staleMs: DOCUMENTS_STALE_MS };
  // A watch that goes on from a revision reads nothing that would tell, so it is asked at the same time.
  const resumes = info.verb === "watch" && !isAnyRevision(options.get("resourceVersion") ?? "");
  const early = resumes ? authorization.confirm() : undefined;
  early?.catch(() => {});
  const [outcome] = await Promise.allSettled([respondTo()]);
  try {
    await early;
    await authorization.confirm(staleness);
  } catch (error) {
    refused(error);
    if (outcome.status === "fulfilled") await outcome.value.body?.cancel();
    throw error;
  }
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}

async function respond(services: Services, api: Api, call: Call, asked: Asked): Promise<Response> {
  const { request, auditId, flowHeaders } = call;
  const { info, path, query, options, user, authorization } = asked;
  if (!info.isResource) {
    const handler = api.paths.find(path);
    if (!handler) throw isServedOtherwise(api, request, path) ? methodNotAllowed() : pageNotFound();
    const response = await handler(request, { path, query });
    response.headers.set("Audit-Id", auditId);
    for (const [name, value] of Object.entries(flowHeaders)) response.headers.set(name, value);
    return withoutBody(request, response);
  }
  const resource = services.scheme.find({ group: info.group, version: info.version, plural: info.resource });
  if (!resource) {
    const review = findReview(info);
    if (!review) throw pageNotFound();
    call.resource = review;
    const { decoded } = call;
    const exchange = { request, info, query: options, user, auditId, flowHeaders, warnings: [], decoded };
    return await handleReview(services, review, exchange);
  }
  call.resource = resource;
  // Kubernetes' routes of resources know no HEAD, though it is authorized like a GET.
  if (request.method === "HEAD" && info.subresource !== "proxy") throw methodNotAllowed();
  const namespace = resource.namespaced ? info.namespace : "";
  const { annotations } = call;
  const exchange: Exchange = {
    request,
    info,
    resource,
    namespace,
    query: options,
    user,
    opener: call.isInternal ? undefined : openerOf(call.actor ?? user),
    stillKnown: () => assertStillKnown(api, call),
    authorization,
    auditId,
    flowHeaders,
    warnings: [...(call.actor?.warnings ?? [])],
    annotate: annotations && ((key, text) => void annotations.set(key, text)),
    decoded: call.decoded,
    sent: call,
  };
  noteDeprecation(exchange);
  return await handlerOf(exchange)(services, exchange);
}

/** Every request for what is deprecated says so, to who asks and to the audit log (k8s.io/apiserver/pkg/endpoints/installer.go). */
function noteDeprecation({ resource: { kind }, warnings, annotate }: Exchange): void {
  if (kind.deprecated === undefined) return;
  warnings.push(kind.deprecated);
  annotate?.("k8s.io/deprecated", "true");
}

/** Whose request it is: whoever the credential says, or whom that one may act as. @throws StatusError Unauthorized, Forbidden, BadRequest */
async function userOf(api: Api, authorization: Authorization, call: Call, path: string): Promise<User> {
  const { headers } = call.request;
  const user = await authenticated(api, call.request);
  call.actor = user;
  call.acting = await actingUser(authorization, { user, headers, path });
  return call.acting;
}

/** Would who sent the request be let in now as they were then? @throws StatusError "Unauthorized" */
async function assertStillKnown(api: Api, { request, user, actor }: Call): Promise<void> {
  if (user) return;
  const { groups } = await authenticated(api, request);
  if (groups.join() !== actor?.groups.join()) throw new StatusError("Unauthorized", "Unauthorized");
}

/** By certificate, else by token, as in Kubernetes; who has shown a certificate that is not good is not anonymous. @throws StatusError */
async function authenticated({ authenticator, certificates, services }: Api, request: Request): Promise<User> {
  const certificate = services.cluster.clientCertificate?.(request);
  const certified = certificate && (await certificates.authenticate(certificate));
  if (certified) return certified;
  const token = tokenOf(request.headers);
  if (certificate && token === undefined) throw new StatusError("Unauthorized", "Unauthorized");
  return await authenticator.authenticate(token);
}

/** Is there a resource at the path, and only the method (OPTIONS, TRACE …) is none of its own? */
function isServedOtherwise({ services }: Api, { method }: Request, path: string): boolean {
  if (METHODS.has(method)) return false;
  const info = parseRequest("GET", path, "");
  return info.isResource && services.scheme.find({ ...info, plural: info.resource }) !== undefined;
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

/** HEAD is GET without the body. */
function withoutBody(request: Request, response: Response): Response {
  if (request.method !== "HEAD") return response;
  return new Response(null, { status: response.status, headers: response.headers });
}

/** Join and renew carry credentials that only they understand, so a token nobody knows is not refused here. */
async function serveAgent(api: Api, request: Request, path: string): Promise<Response> {
  const judgesItself = path === "/agent/v1/join" || path === "/agent/v1/renew";
  const user = judgesItself ? undefined : await api.authenticator.authenticate(tokenOf(request.headers));
  const response = await api.agentRoutes?.(request, user);
  if (!response) throw pageNotFound();
  return response;
}
