/** Makes what every cluster has from its first second (bootstrap-objects.ts). Idempotent. */
import type { App } from "./app.ts";
import { MASTERS_GROUP } from "./authn/authenticator.ts";
import { SERVICE_CIDR, wantedObjects, type Wanted } from "./bootstrap-objects.ts";
import type { Client } from "./client/client.ts";
import type { Cluster } from "./cluster.ts";
import { groupResource } from "./machinery/gvk.ts";
import type { KubeObject } from "./machinery/meta.ts";
import { serviceCidrs, type ServiceCidr } from "./kinds/networking/types.ts";
import { isStatusError } from "./machinery/status-error.ts";

/** As the system itself: there is nobody yet whose permissions could be asked for. */
export async function bootstrapCluster(
  { config, storage, keys }: Pick<Cluster, "config" | "storage" | "keys">,
  app: Pick<App, "clientFor">,
): Promise<void> {
  const client = app.clientFor({ name: "system:apiserver", groups: [MASTERS_GROUP] });
  const waves = wantedObjects({ config, clusterCa: keys.clusterCa });
  const cidr = { ref: serviceCidrs, object: { metadata: { name: SERVICE_CIDR } } };
  // Looked for all at once: on the edge every start of an isolate waits for it.
  const [exist, known] = await Promise.all([storage.exist(waves.flat().map(keyOf)), find(client, cidr)]);
  const missing = new Set(waves.flat().filter((_, at) => !exist[at]));
  for (const wave of waves) {
    // At once, so that the hub commits them as a group.
    await Promise.all(wave.filter((one) => missing.has(one)).map((one) => create(client, one)));
  }
  await markReady(client, (known ?? (await find(client, cidr))) as ServiceCidr);
}

function keyOf({ ref, object: { metadata } }: Wanted) {
  const { name = "", namespace = "" } = metadata;
  return { resource: groupResource(ref.group, ref.resource), namespace, name };
}

/** Ready from the start, as nothing has to be set up for it: pkg/controlplane/controller/defaultservicecidr of Kubernetes. */
async function markReady(client: Client, { metadata, status }: ServiceCidr): Promise<void> {
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
