/**
 * The API of one cluster, from top to bottom: request-info → authn → authz → decode → admission → registry. Everything a request
 * meets on its way is put together here and nowhere else.
 */
import { createAdmission } from "./admission/index.ts";
import { openerOf, type Authenticator, type User } from "./authn/authenticator.ts";
import { createClientCertificates, type ClientCertificates } from "./authn/client-certificate.ts";
import { createRequestAuthenticator, tokenOf, type RequestAuthenticator } from "./authn/index.ts";
import { createNodeCredentials } from "./authn/node-credential.ts";
import { createServiceAccountTokens, type ServiceAccountTokens } from "./authn/service-account.ts";
import { createStaticTokens } from "./authn/static-token.ts";
import { createAuthorization, type Authorization } from "./authz/authorization.ts";
import { createGrantCheck } from "./authz/escalation.ts";
import { createAuthorizer, isMaster } from "./authz/index.ts";
import { createPolicyMemory, type PolicyMemory } from "./authz/rbac/policy-memory.ts";
import { createAnnouncedPolicy, createAskedPolicy, createPolicyWatch, type Policy } from "./authz/rbac/policy.ts";
import { createFlowControl, type FlowControl } from "./flowcontrol/flow-control.ts";
import { createFlowMetrics } from "./http/flow-metrics.ts";
import { flowRequest, isStream } from "./http/flow-request.ts";
import type { FlowHeaders } from "./http/response.ts";
import type { Seat } from "./flowcontrol/priority-level.ts";
import { createStoredFlows, type StoredFlows } from "./flowcontrol/stored-flows.ts";
import { createClient } from "./client/fetch-client.ts";
import type { Client, Fetch } from "./client/client.ts";
import type { Cluster } from "./cluster.ts";
import {
  actingUser,
  assertMayCreate,
  authorizeRequest,
  createRightsCheck,
  createSignerRights,
  freshAuthorizer,
} from "./http/authorize.ts";
import { createBodyDecoder } from "./http/body.ts";
import { createDiscovery } from "./http/discovery.ts";
import { createHealth } from "./http/health.ts";
import { addHubMetrics } from "./http/hub-metrics.ts";
import { createAuditPath } from "./http/audit-path.ts";
import { createAuditRecorder, type AuditedExchange, type AuditRecorder } from "./http/audit-recorder.ts";
import { createKeyRotationPath } from "./http/key-rotation.ts";
import { createMetricsPath } from "./http/metrics-path.ts";
import type { Exchange, ReviewedToken, Services } from "./http/exchange.ts";
import {
  createClassList,
  createNodeReferences,
  type NodeReferencesMemory,
  createObjectLookup,
  createPodList,
  createReadMany,
} from "./http/lookups.ts";
import { createOpenApi } from "./http/openapi/documents.ts";
import { createOpenApiPaths } from "./http/openapi/requests.ts";
import { createOverlays } from "./http/overlays.ts";
import { createPatcher } from "./http/patch.ts";
import { BUILD, createPaths, joinPaths, methodNotAllowed, pageNotFound, type ServedPaths } from "./http/paths.ts";
import { parseRequest, splitUrl, type RequestInfo } from "./http/request-info.ts";
import { createRequestMetrics, type Counted } from "./http/request-metrics.ts";
import { handlerOf } from "./http/resources.ts";
import { isAnyRevision } from "./http/resource-version.ts";
import { respondError } from "./http/respond-error.ts";
import { REVIEWS, findReview, handleReview, routedReview } from "./http/reviews.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { addProcessMetrics } from "./metrics/process-metrics.ts";
import { isStatusError, StatusError } from "./machinery/status-error.ts";
import { kinds as builtInKinds } from "./kinds/index.ts";
import type { AgentSockets } from "./relay/agent-sockets.ts";
import { createLiveNodes } from "./relay/live-nodes.ts";
import { createAgentRoutes, type AgentRoutes } from "./relay/agent-routes.ts";
import type { ClientFor } from "./relay/node-registration.ts";
import { createSchema } from "./schema/schema.ts";
import { createCurrentReader, type CurrentReader } from "./registry/current-reader.ts";
import type { KindDefinition } from "./registry/kind.ts";
import { createManagedFields } from "./registry/managed-fields.ts";
import { createPrimedReader } from "./registry/primed-reader.ts";
import { createRegistry } from "./registry/registry.ts";
import { createScheme } from "./registry/scheme.ts";
import { isPolicy } from "./storage/policy-sql.ts";
import type { StorageReader, StoredObject } from "./storage/storage.ts";
import { emptyObjectOf } from "./encoding/empty-object.ts";

export interface App {
  /** Serves a request as whoever its token says. Never throws. */
  fetch(request: Request): Promise<Response>;
  /** For clients in the process (control loops): as this user, without a token, but through all the rest. */
  fetchAs(user: User): Fetch;
  /** A typed client on `fetchAs`. */
  clientFor(user: User): Client;
}

/** What the runtime adds for nodes; without it `/agent/v1` is not served. */
export interface AgentAccess {
  sockets: AgentSockets;
  seen(nodeName: string): void | Promise<void>;
}

export interface AppOptions {
  agents?: AgentAccess;
  /** Ways to say who one is beside those of every cluster: the accounts' tokens. Asked after the administrator's. */
  authenticators?: readonly Authenticator[];
  /** What is served; the built-in kinds unless said otherwise. */
  kinds?: readonly KindDefinition[];
  /** Where the policies of several clusters share a memory. */
  policyMemory?: PolicyMemory;
}

export function createApp(cluster: Cluster, options: AppOptions = {}): App {
  const { platform, config, keys, storage, hub, presence } = cluster;
  const { clock, random, log } = platform;
  const metrics = cluster.metrics ?? createMetrics();
  const kinds = options.kinds ?? builtInKinds;
  const scheme = createScheme(kinds);
  addProcessMetrics(metrics, { usage: platform.usage, build: BUILD });
  addHubMetrics(metrics, { hub, scheme });
  const schema = createSchema();

  const nodeCredentials = createNodeCredentials({ keys, clock, issuer: config.issuer });
  const ownReader = cluster.readerOf();
  const current = createCurrentReader({ storage, snapshot: (query) => ownReader.snapshot(query), scheme });
  const nodeReferences = createNodeReferences(current);
  const lookup = createObjectLookup(current);
  const tokens = createServiceAccountTokens({ keys, clock, random, issuer: config.issuer, lookup });
  const liveNodes = createLiveNodes({ credentials: nodeCredentials, lookup });
  const staticTokens = createStaticTokens(config.adminTokenHashes);
  const chain: Authenticator[] = [staticTokens, ...(options.authenticators ?? []), tokens, liveNodes];
  const authenticator = createRequestAuthenticator({ chain, clock });
  const certificates = createClientCertificates({ clusterCa: keys.clusterCa, clock });
  cluster.onCommit?.((entries) =>
    authenticator.forget(entries.filter(({ type }) => type === "DELETED").map(({ uid }) => uid)),
  );
  const { policy, checkedReader } = policyOf(cluster, options);
  const authorizer = createAuthorizer({ nodeReferences: nodeReferences.of, policy });

  const managedFields = createManagedFields({
    clock,
    node: (kind) => schema.node(kind.schema),
    emptyObject: (kind) => emptyObjectOf(kind.schema),
  });
  // One for both registries: what plugins remember, a write through either makes them forget.
  const admission = createAdmission({
    lookup,
    readMany: createReadMany(current),
    listPods: createPodList(current),
    listClasses: createClassList(current, "priorityclasses.scheduling.k8s.io"),
    listStorageClasses: createClassList(current, "storageclasses.storage.k8s.io"),
    listIngressClasses: createClassList(current, "ingressclasses.networking.k8s.io"),
    mayUseSigner: createSignerRights(authorizer),
    mayGrant: createGrantCheck({ authorizer, policy }),
    mayDo: createRightsCheck(authorizer),
    findKind: ({ group, version, kind }) => {
      const found = scheme.findKind({ group, version, kind });
      return found && { plural: found.plural, namespaced: found.namespaced };
    },
    cluster: config,
    random,
    clock,
    timers: platform.timers,
  });
  const registryOn = (reader: StorageReader) =>
    createRegistry({
      storage: reader,
      hub,
      scheme,
      admission,
      clock,
      random,
      serviceCidr: config.serviceCidr,
      managedFields,
      canonical: (resource, object) => resource.stored.canonical(object),
    });

  const services: Services = {
    cluster,
    scheme,
    registry: registryOn(storage),
    authorizer: freshAuthorizer(authorizer, policy),
    tokens,
    lookup,
    bodies: createBodyDecoder(scheme),
    patcher: createPatcher(schema),
    overlays: createOverlays({ presence, clock }),
    joinedLists: new WeakMap(),
    assertMayCreate,
    reviewToken: (token, audiences) => reviewToken({ authenticator, tokens }, token, audiences),
  };

  // For those whose rights others may be changing: what they read tells whether that has happened.
  const checked: Services = checkedReader
    ? { ...services, cluster: { ...cluster, storage: checkedReader }, registry: registryOn(checkedReader) }
    : services;

  const paths = joinPaths([
    createDiscovery({ scheme, virtual: REVIEWS, serverAddress: new URL(config.serverUrl).host }),
    createHealth(cluster),
    createMetricsPath(metrics),
    createPaths(cluster),
    createKeyRotationPath(cluster),
    ...(cluster.audit ? [createAuditPath(cluster.audit)] : []),
    createOpenApiPaths(createOpenApi({ kinds: [...kinds, ...REVIEWS.map(routedReview)], schema }), { clock }),
  ]);
  const clientFor = (user: User, known?: readonly StoredObject[]): Client =>
    createClient({
      // Without the path under which the cluster is reached from outside.
      baseUrl: new URL(config.serverUrl).origin,
      fetch: fetchAs(user, known),
      token: () => "",
      userAgent: componentOf(user),
    });
  const agentRoutes =
    options.agents &&
    agentRoutesOf(
      { ...cluster, storage: current },
      { agents: options.agents, nodeCredentials, clientFor, learn: nodeReferences.learn },
    );
  const requests = createRequestMetrics({ metrics, clock, paths: paths.listed });
  const authorize = (): Authorization => createAuthorization({ policy, authorizer, clock });
  const { audit, clientAddress } = cluster;
  const flows = createFlowControl({
    timers: platform.timers,
    seats: config.requestsInFlightMax,
    counts: createFlowMetrics({ metrics, clock }),
  });
  const storedFlows = createStoredFlows({ storage: current, flows, clock, log, onCommit: cluster.onCommit });
  const recorder = audit && createAuditRecorder({ audit, clock, log, clientAddress });
  const api: Api = {
    services,
    checked,
    authenticator,
    certificates,
    authorize,
    paths,
    agentRoutes,
    recorder,
    flows,
    storedFlows,
  };

  function fetchAs(user: User, known?: readonly StoredObject[]): Fetch {
    const parts = known ? { ...api, services: primedServices(known) } : api;
    return (request) => serve(parts, request, user);
  }
  /** For writes that follow a read: what it found need not be read again. */
  function primedServices(known: readonly StoredObject[]): Services {
    return { ...services, registry: registryOn(createPrimedReader(storage, known)) };
  }
  return {
    fetch: (request) => serve(api, request, undefined),
    fetchAs: (user) => fetchAs(user),
    clientFor: (user) => clientFor(user),
  };

  async function serve(parts: Api, request: Request, user: User | undefined): Promise<Response> {
    const auditId = random.uuid();
    const call = newCall({ request, user, auditId });
    requests.begin(call);
    let response: Response;
    try {
      response = await answer(parts, call);
    } catch (error) {
      call.failure = error;
      response = respondError(error, { log, auditId, flowHeaders: call.flowHeaders, request });
    }
    requests.end(call, response.status);
    const recorded = parts.recorder?.answered(call, response);
    if (recorded) await recorded;
    return response;
  }
}

/** `checkedReader`: what tells, with all it reads, whether the policy has moved. Absent where nobody else writes. */
function policyOf(
  { id, onCommit, readerOf, platform: { clock } }: Cluster,
  { policyMemory: memory = createPolicyMemory() }: AppOptions,
): { policy: Policy; checkedReader?: StorageReader } {
  if (onCommit) {
    const reader = readerOf();
    return {
      policy: createAnnouncedPolicy({
        read: () => reader.policy(),
        onCommit: (listener) => onCommit((entries) => listener(entries.filter(isPolicy))),
      }),
    };
  }
  const watch = createPolicyWatch({ clock });
  const reader = readerOf(() => watch.begin());
  return { policy: createAskedPolicy({ watch, reader, memory, clusterId: id }), checkedReader: reader };
}

/** The component of a stock cluster that a user in the process stands for: it manages the fields that its user writes. */
function componentOf({ name }: User): string {
  if (name.startsWith("system:node:")) return "kubelet";
  if (name === "system:kube-scheduler") return "kube-scheduler";
  return name.startsWith("system:serviceaccount:kube-system:") ? "kube-controller-manager" : "kube-apiserver";
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
    isAuthorized: false,
    failure: undefined,
    answerHead: "",
    flowHeaders: NO_HEADERS,
  };
}

interface Api {
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
  api.recorder?.identified(call);
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
  if (!isMaster({ user })) await authorizeRequest(authorization, { user, info, options });
  call.isAuthorized = true;
  const asked: Asked = { ...at, options };
  if (!authorization.restsOnPolicy) return await respond(api.services, api, call, asked);
  return await confirmed(asked, () => respond(api.checked, api, call, asked));
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
  respondTo: () => Promise<Response>,
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
    const exchange = { request, info, query: options, user, auditId, flowHeaders, warnings: [] };
    return await handleReview(services, review, exchange);
  }
  call.resource = resource;
  // Kubernetes' routes of resources know no HEAD, though it is authorized like a GET.
  if (request.method === "HEAD" && info.subresource !== "proxy") throw methodNotAllowed();
  const namespace = resource.namespaced ? info.namespace : "";
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
    warnings: [],
    sent: call,
  };
  return await handlerOf(exchange)(services, exchange);
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

/**
 * Without audiences a token is judged as at the door; else it must be for one of these, and the answer names those that it is for.
 * Undefined: for none.
 */
async function reviewToken(
  deps: { authenticator: RequestAuthenticator; tokens: ServiceAccountTokens },
  token: string,
  audiences: readonly string[],
): Promise<ReviewedToken | undefined> {
  const own = deps.tokens.audience;
  if (audiences.length === 0) return { user: await deps.authenticator.authenticate(token), audiences: [own] };
  const reviewed: { user: User; audience: string }[] = [];
  for (const audience of audiences) {
    try {
      // What names no audience of ours, such as a token of an issuer outside, is for the API.
      const user =
        audience === own
          ? await deps.authenticator.authenticate(token)
          : await deps.tokens.authenticate({ token, audience });
      if (user) reviewed.push({ user, audience });
    } catch (error) {
      if (!isStatusError(error, "Unauthorized")) throw error;
    }
  }
  const [first] = reviewed;
  return first && { user: first.user, audiences: reviewed.map(({ audience }) => audience) };
}

function agentRoutesOf(
  cluster: Omit<Cluster, "storage"> & { storage: CurrentReader },
  deps: {
    agents: AgentAccess;
    nodeCredentials: ReturnType<typeof createNodeCredentials>;
    clientFor: ClientFor;
    learn: NodeReferencesMemory["learn"];
  },
): AgentRoutes {
  const { keys, platform, config, storage } = cluster;
  const { agents } = deps;
  return createAgentRoutes({
    cluster: { keys, platform, config, storage },
    credentials: deps.nodeCredentials,
    clientFor: deps.clientFor,
    learn: deps.learn,
    sockets: agents.sockets,
    seen: (nodeName) => agents.seen(nodeName),
  });
}
