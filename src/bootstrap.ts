/** What every cluster has from its first second: namespaces and priority classes of the system, the `kubernetes` Service and its endpoint. Idempotent. */
import type { App } from "./app.ts";
import { MASTERS_GROUP } from "./authn/authenticator.ts";
import type { Client } from "./client/client.ts";
import type { Cluster } from "./cluster.ts";
import type { ResourceRef } from "./machinery/gvk.ts";
import type { KubeObject } from "./machinery/meta.ts";
import { serviceCidrs, type ServiceCidr } from "./kinds/networking/types.ts";
import { priorityClasses, SYSTEM_CLASSES } from "./kinds/scheduling/priorityclasses/types.ts";
import { isStatusError } from "./machinery/status-error.ts";

const NAMESPACES = ["kube-system", "kube-public", "kube-node-lease", "default"];
const NAMESPACE_REF: ResourceRef = { group: "", version: "v1", resource: "namespaces", namespaced: false };
const ENDPOINT_SLICE_REF: ResourceRef = {
  group: "discovery.k8s.io",
  version: "v1",
  resource: "endpointslices",
  namespaced: true,
};
const SERVICE_REF: ResourceRef = { group: "", version: "v1", resource: "services", namespaced: true };

/** As the system itself: there is nobody yet whose permissions could be asked for. */
export async function bootstrapCluster(cluster: Pick<Cluster, "config">, app: Pick<App, "clientFor">): Promise<void> {
  const client = app.clientFor({ name: "system:apiserver", groups: [MASTERS_GROUP] });
  for (const name of NAMESPACES) {
    await ensure(client, NAMESPACE_REF, { metadata: { name } });
  }
  for (const priorityClass of SYSTEM_CLASSES) await ensure(client, priorityClasses, priorityClass);
  await ensureServiceCidr(client, cluster.config.serviceCidr);
  await ensure(client, SERVICE_REF, {
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { component: "apiserver", provider: "kubernetes" },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: cluster.config.kubernetesServiceIp,
      clusterIPs: [cluster.config.kubernetesServiceIp],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      sessionAffinity: "None",
      ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: 443 }],
    },
  });
  await ensure(client, ENDPOINT_SLICE_REF, kubernetesEndpoint(cluster.config.kubernetesServiceIp));
}

/**
 * The API has no address of its own that a pod could reach: each agent answers on the ClusterIP and relays. So the ClusterIP is the
 * endpoint, and whoever dials endpoints instead of Services gets there too.
 */
function kubernetesEndpoint(address: string): KubeObject {
  return {
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { "kubernetes.io/service-name": "kubernetes" },
    },
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: "https", protocol: "TCP", port: 443 }],
  };
}

/** Ready from the start, as nothing has to be set up for it: pkg/controlplane/controller/defaultservicecidr of Kubernetes. */
async function ensureServiceCidr(client: Client, cidr: string): Promise<void> {
  const name = "kubernetes";
  await ensure(client, serviceCidrs, { metadata: { name }, spec: { cidrs: [cidr] } });
  const { metadata, status } = await client.get<ServiceCidr>(serviceCidrs, { name });
  if (status?.conditions?.some(({ type }) => type === "Ready")) return;
  const message = "Kubernetes default Service CIDR is ready";
  const lastTransitionTime = metadata.creationTimestamp;
  const ready = { type: "Ready", status: "True", reason: "", message, lastTransitionTime };
  await client.patch(serviceCidrs, { name }, "merge", { status: { conditions: [ready] } }, "status");
}

async function ensure(client: Client, ref: ResourceRef, object: KubeObject): Promise<void> {
  if (await exists(client, ref, object)) return;
  const { namespace } = object.metadata;
  try {
    await client.create(ref, object, namespace === undefined ? {} : { namespace });
  } catch (error) {
    // Another start of the same cluster may have been faster; which of our conditions it broke does not matter.
    if (!(await exists(client, ref, object))) throw error;
  }
}

async function exists(client: Client, ref: ResourceRef, { metadata }: KubeObject): Promise<boolean> {
  const { name = "", namespace } = metadata;
  try {
    await client.get(ref, { name, ...(namespace === undefined ? {} : { namespace }) });
    return true;
  } catch (error) {
    if (isStatusError(error, "NotFound")) return false;
    throw error;
  }
}
