/**
 * The API of one cluster, from top to bottom: request-info → authn → authz → decode → admission → registry. Everything a request
 * meets on its way is put together here and nowhere else; the way itself is in serve-request.ts.
 */
import { createAdmission } from "./admission/index.ts";
import { MASTERS_GROUP, type Authenticator, type User } from "./authn/authenticator.ts";
import { createClientCertificates } from "./authn/client-certificate.ts";
import { createRequestAuthenticator } from "./authn/index.ts";
import { createNodeCredentials } from "./authn/node-credential.ts";
import { reviewToken } from "./authn/review-token.ts";
import { createServiceAccountTokens } from "./authn/service-account.ts";
import { createStaticTokens } from "./authn/static-token.ts";
import { createAuthorization, type Authorization } from "./authz/authorization.ts";
import { createGrantCheck } from "./authz/escalation.ts";
import { createAuthorizer } from "./authz/index.ts";
import { createPolicyMemory, type PolicyMemory } from "./authz/rbac/policy-memory.ts";
import { createAnnouncedPolicy, createAskedPolicy, createPolicyWatch, type Policy } from "./authz/rbac/policy.ts";
import { createFlowControl } from "./flowcontrol/flow-control.ts";
import { createFlowMetrics } from "./http/flow-metrics.ts";
import { createStoredFlows } from "./flowcontrol/stored-flows.ts";
import { createClient } from "./client/fetch-client.ts";
import type { Client, Fetch } from "./client/client.ts";
import type { Cluster } from "./cluster.ts";
import { assertMayCreate, createRightsCheck, createSignerRights, freshAuthorizer } from "./http/authorize.ts";
import { createBodyDecoder } from "./http/body.ts";
import { createDiscovery } from "./http/discovery.ts";
import { createHealth } from "./http/health.ts";
import { addHubMetrics } from "./http/hub-metrics.ts";
import { createAuditPath } from "./http/audit-path.ts";
import { createAuditRecorder } from "./http/audit-recorder.ts";
import { createKeyRotationPath } from "./http/key-rotation.ts";
import { createMetricsPath } from "./http/metrics-path.ts";
import type { Services } from "./http/exchange.ts";
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
import { BUILD, createPaths, joinPaths } from "./http/paths.ts";
import { createRequestMetrics } from "./http/request-metrics.ts";
import { REVIEWS, routedReview } from "./http/reviews.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { addProcessMetrics } from "./metrics/process-metrics.ts";
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
import { createSecretLabels } from "./secret-labels.ts";
import { createServe, type Api } from "./serve-request.ts";
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
  const labelSecret = createSecretLabels({ client: () => clientFor(APISERVER), log });
  const tokens = createServiceAccountTokens({ keys, clock, random, issuer: config.issuer, lookup, labelSecret });
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
  const serve = createServe({ requests, random, log });
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
}

const APISERVER: User = { name: "system:apiserver", groups: [MASTERS_GROUP] };

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
