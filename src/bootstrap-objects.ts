/** What every cluster has from its first second, as a kube-apiserver makes it; see bootstrap.ts for how. */
import type { ClusterConfig } from "./cluster.ts";
import { apiPriority } from "./http/api-order.ts";
import { REVIEWS } from "./http/reviews.ts";
import { apiServices, type ApiService } from "./kinds/apiregistration/apiservices/types.ts";
import { configMaps, type ConfigMap } from "./kinds/core/configmaps/types.ts";
import { endpoints } from "./kinds/core/endpoints/types.ts";
import { namespaces } from "./kinds/core/namespaces/types.ts";
import { dayOf, TRACKED_SINCE, TRACKING_NAME } from "./kinds/core/secrets/token-tracking.ts";
import { services } from "./kinds/core/services/types.ts";
import { endpointSlices } from "./kinds/discovery/endpointslices/types.ts";
import { MANDATORY_LEVELS, MANDATORY_SCHEMAS } from "./kinds/flowcontrol/mandatory.ts";
import { SUGGESTED_LEVELS, SUGGESTED_SCHEMAS } from "./kinds/flowcontrol/suggested.ts";
import { flowSchemas, priorityLevelConfigurations } from "./kinds/flowcontrol/types.ts";
import { kinds } from "./kinds/index.ts";
import { serviceCidrs, type ServiceCidr } from "./kinds/networking/types.ts";
import { priorityClasses, SYSTEM_CLASSES } from "./kinds/scheduling/priorityclasses/types.ts";
import { storageClasses, type StorageClass } from "./kinds/storage/types.ts";
import type { GroupVersion, ResourceRef } from "./machinery/gvk.ts";
import type { KubeObject } from "./machinery/meta.ts";

export interface Wanted {
  ref: ResourceRef;
  object: KubeObject;
}

export const SERVICE_CIDR = "kubernetes";

const NAMESPACES = ["kube-system", "kube-public", "kube-node-lease", "default"];
const KUBERNETES = { name: "kubernetes", namespace: "default" };

const all = (ref: ResourceRef, objects: readonly KubeObject[]): Wanted[] => objects.map((object) => ({ ref, object }));

/**
 * In waves: what is in one asks only for what is in an earlier one, so each can be made at once.
 * `clusterCa`: PEM.
 */
export function wantedObjects({
  config,
  clusterCa,
  nowMs,
}: {
  config: Pick<ClusterConfig, "serviceCidr" | "kubernetesServiceIp">;
  clusterCa: string;
  nowMs: number;
}): [Wanted[], Wanted[]] {
  const { serviceCidr, kubernetesServiceIp } = config;
  const unscoped = [
    ...all(
      namespaces,
      NAMESPACES.map((name) => ({ metadata: { name } })),
    ),
    ...all(priorityClasses, SYSTEM_CLASSES),
    ...all(priorityLevelConfigurations, [...MANDATORY_LEVELS, ...SUGGESTED_LEVELS]),
    ...all(flowSchemas, [...MANDATORY_SCHEMAS, ...SUGGESTED_SCHEMAS]),
    ...all(apiServices, localApiServices()),
    ...all(storageClasses, [DEFAULT_STORAGE_CLASS]),
    ...all(serviceCidrs, [defaultServiceCidr(serviceCidr)]),
  ];
  const inNamespaces = [
    ...all(services, [kubernetesService(kubernetesServiceIp)]),
    ...all(endpoints, [kubernetesEndpoints(kubernetesServiceIp)]),
    ...all(endpointSlices, [kubernetesEndpointSlice(kubernetesServiceIp)]),
    ...all(configMaps, [extensionAuthentication(clusterCa), tokenTracking(nowMs)]),
  ];
  return [unscoped, inNamespaces];
}

/** Since when it is known whether tokens in Secrets are used: pkg/controlplane/controller/legacytokentracking of Kubernetes. */
function tokenTracking(nowMs: number): ConfigMap {
  return { metadata: { name: TRACKING_NAME, namespace: "kube-system" }, data: { [TRACKED_SINCE]: dayOf(nowMs) } };
}

function defaultServiceCidr(cidr: string): ServiceCidr {
  return { metadata: { name: SERVICE_CIDR }, spec: { cidrs: [cidr] } };
}

/** One for each version of a group that is served here: k8s.io/kube-aggregator/pkg/controllers/autoregister. */
function localApiServices(): ApiService[] {
  const served = new Map<string, GroupVersion>();
  for (const { group, version } of [...kinds, ...REVIEWS]) served.set(`${version}.${group}`, { group, version });
  return [...served].flatMap(([name, at]) => {
    const priority = apiPriority(at);
    if (!priority) return [];
    const labels = { "kube-aggregator.kubernetes.io/automanaged": "onstart" };
    const spec = { ...at, groupPriorityMinimum: priority.group, versionPriority: priority.version };
    return [{ metadata: { name, labels }, spec }];
  });
}

/**
 * Storage of the node a pod runs on, so a volume waits for its first pod. Under the name that small distributions have taught manifests
 * and charts to expect.
 */
const DEFAULT_STORAGE_CLASS: StorageClass = {
  metadata: { name: "local-path", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  provisioner: "gantry.dev/local-path",
  reclaimPolicy: "Delete",
  volumeBindingMode: "WaitForFirstConsumer",
};

const EXTENSION_AUTHENTICATION = { name: "extension-apiserver-authentication", namespace: "kube-system" };

/** Whose client certificates an aggregated API server may trust: pkg/controlplane/controller/clusterauthenticationtrust. */
function extensionAuthentication(clusterCa: string): KubeObject {
  const configMap: ConfigMap = { metadata: EXTENSION_AUTHENTICATION, data: { "client-ca-file": clusterCa } };
  return configMap;
}

function kubernetesService(address: string): KubeObject {
  return {
    metadata: { ...KUBERNETES, labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      type: "ClusterIP",
      clusterIP: address,
      clusterIPs: [address],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      sessionAffinity: "None",
      ports: [{ ...HTTPS, targetPort: HTTPS.port }],
    },
  };
}

const HTTPS = { name: "https", port: 443, protocol: "TCP" };

/**
 * The API has no address of its own that a pod could reach: each agent answers on the ClusterIP and relays. So the ClusterIP is the
 * endpoint, and whoever dials endpoints instead of Services gets there too.
 */
function kubernetesEndpoints(address: string): KubeObject {
  // The slice below is the original, as for those that a kube-apiserver writes of itself.
  const labels = { "endpointslice.kubernetes.io/skip-mirror": "true" };
  return { metadata: { ...KUBERNETES, labels }, subsets: [{ addresses: [{ ip: address }], ports: [HTTPS] }] };
}

function kubernetesEndpointSlice(address: string): KubeObject {
  return {
    metadata: { ...KUBERNETES, labels: { "kubernetes.io/service-name": KUBERNETES.name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [HTTPS],
  };
}
