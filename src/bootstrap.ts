/**
 * What every cluster has from its first second: namespaces, priority classes and flow control of the system, the `kubernetes`
 * Service and its endpoint. Idempotent.
 */
import type { App } from "./app.ts";
import { MASTERS_GROUP } from "./authn/authenticator.ts";
import type { Client } from "./client/client.ts";
import type { Cluster, ClusterConfig } from "./cluster.ts";
import type { ResourceRef } from "./machinery/gvk.ts";
import type { KubeObject } from "./machinery/meta.ts";
import { endpoints } from "./kinds/core/endpoints/types.ts";
import { namespaces } from "./kinds/core/namespaces/types.ts";
import { services } from "./kinds/core/services/types.ts";
import { endpointSlices } from "./kinds/discovery/endpointslices/types.ts";
import { MANDATORY_LEVELS, MANDATORY_SCHEMAS } from "./kinds/flowcontrol/mandatory.ts";
import { flowSchemas, priorityLevelConfigurations } from "./kinds/flowcontrol/types.ts";
import { serviceCidrs, type ServiceCidr } from "./kinds/networking/types.ts";
import { priorityClasses, SYSTEM_CLASSES } from "./kinds/scheduling/priorityclasses/types.ts";
import { isStatusError } from "./machinery/status-error.ts";

const NAMESPACES = ["kube-system", "kube-public", "kube-node-lease", "default"];
const KUBERNETES = { name: "kubernetes", namespace: "default" };

interface Wanted {
  ref: ResourceRef;
  object: KubeObject;
}

/** As the system itself: there is nobody yet whose permissions could be asked for. */
export async function bootstrapCluster(
  { config }: Pick<Cluster, "config">,
  app: Pick<App, "clientFor">,
): Promise<void> {
  const client = app.clientFor({ name: "system:apiserver", groups: [MASTERS_GROUP] });
  const wanted = wantedObjects(config);
  // Looked for all at once: on the edge every start of an isolate waits for it.
  const found = await Promise.all(wanted.map((one) => find(client, one)));
  for (const [at, one] of wanted.entries()) if (!found[at]) await create(client, one);
  await markReady(client, found);
}

/** In the order in which they are made: what lives in a namespace after it. */
function wantedObjects({ serviceCidr, kubernetesServiceIp }: ClusterConfig): Wanted[] {
  return [
    ...NAMESPACES.map((name) => ({ ref: namespaces, object: { metadata: { name } } })),
    ...SYSTEM_CLASSES.map((object) => ({ ref: priorityClasses, object })),
    ...MANDATORY_LEVELS.map((object) => ({ ref: priorityLevelConfigurations, object })),
    ...MANDATORY_SCHEMAS.map((object) => ({ ref: flowSchemas, object })),
    { ref: serviceCidrs, object: { metadata: { name: SERVICE_CIDR }, spec: { cidrs: [serviceCidr] } } },
    { ref: services, object: kubernetesService(kubernetesServiceIp) },
    { ref: endpoints, object: kubernetesEndpoints(kubernetesServiceIp) },
    { ref: endpointSlices, object: kubernetesEndpointSlice(kubernetesServiceIp) },
  ];
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

const SERVICE_CIDR = "kubernetes";

/** Ready from the start, as nothing has to be set up for it: pkg/controlplane/controller/defaultservicecidr of Kubernetes. */
async function markReady(client: Client, found: readonly (KubeObject | undefined)[]): Promise<void> {
  const known =
    found.find((object) => object?.kind === "ServiceCIDR") ??
    (await client.get<KubeObject>(serviceCidrs, { name: SERVICE_CIDR }));
  const { metadata, status } = known as ServiceCidr;
  if (status?.conditions?.some(({ type }) => type === "Ready")) return;
  const message = "Kubernetes default Service CIDR is ready";
  const lastTransitionTime = metadata.creationTimestamp;
  const ready = { type: "Ready", status: "True", reason: "", message, lastTransitionTime };
  await client.patch(serviceCidrs, { name: SERVICE_CIDR }, "merge", { status: { conditions: [ready] } }, "status");
}

async function create(client: Client, wanted: Wanted): Promise<void> {
  const { ref, object } = wanted;
  const { namespace } = object.metadata;
  try {
    await client.create(ref, object, namespace === undefined ? {} : { namespace });
  } catch (error) {
    // Another start of the same cluster may have been faster; which of our conditions it broke does not matter.
    if (!(await find(client, wanted))) throw error;
  }
}

async function find(client: Client, { ref, object }: Wanted): Promise<KubeObject | undefined> {
  const { name = "", namespace } = object.metadata;
  try {
    return await client.get<KubeObject>(ref, { name, ...(namespace === undefined ? {} : { namespace }) });
  } catch (error) {
    if (isStatusError(error, "NotFound")) return undefined;
    throw error;
  }
}
