/** All control loops of a cluster over one set of shared informers, each writing as its own service account. */
import type { App } from "./app.ts";
import { serviceAccountUser, signSecretToken } from "./authn/service-account.ts";
import { AUTHENTICATED_GROUP } from "./authn/authenticator.ts";
import type { Client } from "./client/client.ts";
import type { Cluster } from "./cluster.ts";
import { createEventRecorder, type EventRecorder } from "./controller-runtime/events.ts";
import { createManager, type Controller } from "./controller-runtime/manager.ts";
import { createStores } from "./controller-runtime/stores.ts";
import { createCertificateApprovalController } from "./controllers/certificate-approval/controller.ts";
import { createCertificateCleaner } from "./controllers/certificate-cleaner/controller.ts";
import { createCertificateSigningController } from "./controllers/certificate-signing/controller.ts";
import { createClusterRoleAggregation } from "./controllers/clusterrole-aggregation/controller.ts";
import { createDefinitionNamesController } from "./controllers/definition-names/controller.ts";
import { createDeploymentController } from "./controllers/deployment/controller.ts";
import { createDisruptionController } from "./controllers/disruption/controller.ts";
import type { ScaledResource } from "./controllers/disruption/scale.ts";
import { createEndpointSliceController } from "./controllers/endpointslice/controller.ts";
import { createFlowSchemaStatusController } from "./controllers/flow-schema-status/controller.ts";
import { createGarbageCollector } from "./controllers/garbage-collector/controller.ts";
import type { CollectedResource } from "./controllers/garbage-collector/owners.ts";
import { createLegacyTokenCleaner } from "./controllers/legacy-token-cleaner/controller.ts";
import { createNamespaceController } from "./controllers/namespace/controller.ts";
import { createNodeIpamController } from "./controllers/node-ipam/controller.ts";
import { createNodeLifecycleController } from "./controllers/node-lifecycle/controller.ts";
import { createReplicaSetController } from "./controllers/replicaset/controller.ts";
import { createResourceQuotaController } from "./controllers/resourcequota/controller.ts";
import { createRootCaPublisher } from "./controllers/root-ca-publisher/controller.ts";
import { createServiceAccountTokenController } from "./controllers/service-account-tokens/controller.ts";
import { createServiceAccountController } from "./controllers/service-account/controller.ts";
import {
  createAttributesClassProtection,
  createClaimProtection,
  createVolumeProtection,
} from "./controllers/storage-protection/controller.ts";
import { namespaces } from "./kinds/core/namespaces/types.ts";
import { kinds as builtInKinds } from "./kinds/index.ts";
import type { KindDefinition } from "./registry/kind.ts";
import { createScheduler } from "./scheduler/scheduler.ts";

export interface Loops {
  /** For Workers: catches up, does what is due, says when there is more. */
  runOnce(limits: { deadline: number }): Promise<{ nextDueMs: number | undefined }>;
  /** For Node: works as events come, until `stop`. */
  start(): void;
  stop(): Promise<void>;
}

export function createLoops({
  cluster,
  app,
  kinds = builtInKinds,
}: {
  cluster: Pick<Cluster, "platform" | "config" | "keys" | "clientCertificate">;
  app: Pick<App, "clientFor">;
  /** What the app serves. */
  kinds?: readonly KindDefinition[];
}): Loops {
  const { platform, config, keys } = cluster;
  const resources = servedResources(kinds);
  const recorders: EventRecorder[] = [];
  const reader = clientFor(app, "generic-garbage-collector");
  const stores = createStores({ client: reader, platform, resources });

  function depsOf(name: string, component = name) {
    const client = clientFor(app, name);
    const recorder = createEventRecorder({ client, platform, component });
    recorders.push(recorder);
    return { client, stores, recorder, platform };
  }

  const certificates = depsOf("certificate-controller");
  const controllers: Controller[] = [
    createServiceAccountController(depsOf("service-account-controller")),
    createServiceAccountTokenController({
      ...depsOf("tokens-controller"),
      sign: (held) => signSecretToken(keys, held),
      clusterCa: keys.clusterCa,
    }),
    createLegacyTokenCleaner({ ...depsOf("legacy-service-account-token-cleaner"), reader }),
    createRootCaPublisher({ ...depsOf("root-ca-cert-publisher"), clusterCa: keys.clusterCa }),
    createNodeLifecycleController({ ...depsOf("node-controller"), config }),
    createNodeIpamController({ ...depsOf("node-controller", "cidrAllocator"), config }),
    createDeploymentController(depsOf("deployment-controller")),
    createReplicaSetController(depsOf("replicaset-controller")),
    createScheduler(depsOf("kube-scheduler", "default-scheduler")),
    createEndpointSliceController(depsOf("endpointslice-controller")),
    createDisruptionController({ ...depsOf("disruption-controller"), resources: scaledResources(kinds) }),
    createFlowSchemaStatusController(depsOf("flow-schema-status-controller")),
    createClusterRoleAggregation(depsOf("clusterrole-aggregation-controller")),
    createDefinitionNamesController(depsOf("definition-names-controller")),
    createCertificateApprovalController(certificates),
    createCertificateSigningController({
      ...certificates,
      sign: (asked) => keys.signCertificate(asked),
      takesClientCertificates: cluster.clientCertificate !== undefined,
    }),
    createCertificateCleaner(certificates),
    createClaimProtection(depsOf("pvc-protection-controller")),
    createVolumeProtection(depsOf("pv-protection-controller")),
    createAttributesClassProtection(depsOf("volumeattributesclass-protection-controller")),
    createResourceQuotaController({ ...depsOf("resourcequota-controller"), resources }),
    createNamespaceController({ ...depsOf("namespace-controller"), resources }),
    createGarbageCollector({ ...depsOf("generic-garbage-collector"), resources }),
  ];
  const manager = createManager({
    name: "loops",
    // Any list answers the revision of the whole cluster.
    async currentRevision() {
      const { metadata } = await reader.list(namespaces, { limit: 1 });
      return Number(metadata.resourceVersion);
    },
    platform,
    informers: [...stores.all.values()],
    controllers,
    flush: async () => {
      await Promise.all(recorders.map((recorder) => recorder.flush()));
    },
  });
  return {
    runOnce: (limits) => manager.runOnce(limits),
    start: () => manager.start(),
    stop: () => manager.stop(),
  };
}

/** What can be listed, watched and deleted: each stored resource once, in the version it is stored in where that is served. */
function servedResources(kinds: readonly KindDefinition[]): CollectedResource[] {
  const stored = new Map<KindDefinition, KindDefinition[]>();
  for (const kind of kinds) {
    if (!(["list", "watch", "delete"] as const).every((verb) => kind.verbs.includes(verb))) continue;
    const of = kind.storedAs?.kind ?? kind;
    stored.set(of, [...(stored.get(of) ?? []), kind]);
  }
  return [...stored].flatMap(([of, versions]) => {
    const watched = versions.includes(of) ? of : versions[0];
    if (!watched) return [];
    const { group, version, plural, namespaced, kind } = watched;
    return [{ group, version, resource: plural, namespaced, kind, versions }];
  });
}

function scaledResources(kinds: readonly KindDefinition[]): ScaledResource[] {
  return kinds.map(({ group, version, plural, namespaced, kind, subresources }) => {
    const scalable = subresources.some(({ name }) => name === "scale");
    return { group, version, resource: plural, namespaced, kind, scalable };
  });
}

/** The scheduler is a user of its own, as the roles and flow schemas of a stock cluster know it. */
function clientFor(app: Pick<App, "clientFor">, name: string): Client {
  const user =
    name === "kube-scheduler"
      ? { name: "system:kube-scheduler", groups: [] }
      : serviceAccountUser({ namespace: "kube-system", name });
  return app.clientFor({ ...user, groups: [...user.groups, AUTHENTICATED_GROUP] });
}
