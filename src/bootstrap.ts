/** Makes what every cluster has from its first second (bootstrap-objects.ts, authz/defaults/). Idempotent. */
import type { App } from "./app.ts";
import { MASTERS_GROUP } from "./authn/authenticator.ts";
import { defaultClusterPolicy, defaultNamespacePolicy, reconciled } from "./authz/defaults/index.ts";
import { SERVICE_CIDR, wantedObjects, type Wanted } from "./bootstrap-objects.ts";
import type { Client } from "./client/client.ts";
import type { Cluster } from "./cluster.ts";
import { groupResource } from "./machinery/gvk.ts";
import type { KubeObject } from "./machinery/meta.ts";
import { serviceCidrs, type ServiceCidr } from "./kinds/networking/types.ts";
import { isStatusError } from "./machinery/status-error.ts";
import type { ObjectKey, StoredObject } from "./storage/storage.ts";

/** As the system itself: there is nobody yet whose permissions could be asked for. */
export async function bootstrapCluster(
  { config, storage, keys, platform }: Pick<Cluster, "config" | "storage" | "keys" | "platform">,
  app: Pick<App, "clientFor">,
): Promise<void> {
  const client = app.clientFor({ name: "system:apiserver", groups: [MASTERS_GROUP] });
  const waves = wantedObjects({ config, clusterCa: keys.clusterCa, nowMs: platform.clock.now() });
  const policy = [defaultClusterPolicy(), defaultNamespacePolicy()] as const;
  const wanted = [...waves, ...policy].flat();
  // Looked for all at once: on the edge every start of an isolate waits for it.
  const found = await storage.getMany(wanted.map(keyOf));
  const stored = new Map(found.map((object) => [textOf(object), object]));
  const storedOf = (one: Wanted) => stored.get(textOf(keyOf(one)));
  for (const [at, wave] of waves.entries()) {
    // At once, so that the hub commits them as a group.
    await Promise.all([
      ...wave.filter((one) => !storedOf(one)).map((one) => create(client, one)),
      ...(policy[at] ?? []).map((one) => reconcile(client, one, storedOf(one))),
    ]);
  }
  const cidr = { ref: serviceCidrs, object: { metadata: { name: SERVICE_CIDR } } };
  const known = storedOf(cidr);
  await markReady(client, (known ? JSON.parse(known.value) : await find(client, cidr)) as ServiceCidr);
}

function keyOf({ ref, object: { metadata } }: Wanted): ObjectKey {
  const { name = "", namespace = "" } = metadata;
  return { resource: groupResource(ref.group, ref.resource), namespace, name };
}

/** No part of a key has a slash in it but the names of roles, which come last. */
function textOf({ resource, namespace, name }: ObjectKey): string {
  return `${resource}/${namespace}/${name}`;
}

async function reconcile(client: Client, wanted: Wanted, stored: StoredObject | undefined): Promise<void> {
  if (!stored) return await create(client, wanted);
  const existing = JSON.parse(stored.value) as KubeObject;
  const { ref } = wanted;
  const result = reconciled(wanted, existing);
  if (result.change === "none") return;
  const { name = "", namespace } = existing.metadata;
  const at = namespace === undefined ? { name } : { name, namespace };
  try {
    if (result.change === "recreate") {
      await client.delete(ref, at, { preconditions: { uid: stored.uid } });
      await create(client, wanted);
    } else {
      const metadata = { ...result.object.metadata, resourceVersion: String(stored.revision) };
      await client.update(ref, { ...result.object, metadata });
    }
  } catch (error) {
    // Somebody else was faster, perhaps another start that wanted the same: the next one looks again.
    if (!isStatusError(error, "Conflict") && !isStatusError(error, "NotFound")) throw error;
  }
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
    if (isStatusError(error, "AlreadyExists") || (await find(client, wanted))) return;
    throw error;
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
