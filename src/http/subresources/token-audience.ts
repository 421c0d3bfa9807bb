/**
 * For whom a node may have tokens made: for those whom the pod has them made for, by its own volumes or by the drivers of its volumes
 * (ServiceAccountNodeAudienceRestriction of plugin/pkg/admission/noderestriction), and for whom a role allows it. A node that was taken
 * over would get at outside systems as any of its pods otherwise.
 */
import type { Pod } from "../../kinds/core/pods/types.ts";
import type { CsiDriver } from "../../kinds/storage/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { Exchange, Services } from "../exchange.ts";

/** The verb by which a role allows it; the audience stands in the place of the resource. */
const VERB = "request-serviceaccounts-token-audience";

/** Why not; undefined where it may. `audiences` as they were asked for: none is the API's. */
export async function audienceFault(
  services: Services,
  { user, info }: Exchange,
  { pod, audiences }: { pod: Pod; audiences: readonly string[] },
): Promise<string | undefined> {
  const [audience = "", ...others] = audiences;
  if (others.length > 0) return "node may only request 0 or 1 audiences";
  if (mountsTokenFor(pod, audience)) return undefined;
  for (const driver of await driversOf(services, pod)) {
    const found = (await services.lookup({ resource: "csidrivers.storage.k8s.io", namespace: "", name: driver })) as
      | CsiDriver
      | undefined;
    if (found?.spec.tokenRequests?.some((request) => request.audience === audience)) return undefined;
  }
  const resource = { group: "", version: "v1", resource: audience, subresource: "" };
  const { verdict } = await services.authorizer.authorize({
    user,
    verb: VERB,
    resource: { ...resource, namespace: info.namespace, name: info.name },
    path: "",
  });
  if (verdict === "allow") return undefined;
  return `audience "${audience}" not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`;
}

function mountsTokenFor({ spec: { volumes = [] } }: Pod, audience: string): boolean {
  return volumes.some(({ projected }) =>
    projected?.sources?.some(({ serviceAccountToken: token }) => token && (token.audience ?? "") === audience),
  );
}

async function driversOf(services: Services, { metadata, spec: { volumes = [] } }: Pod): Promise<Set<string>> {
  const drivers = new Set<string>();
  for (const volume of volumes) {
    const { csi, ephemeral, persistentVolumeClaim } = volume as typeof volume & Sources;
    // The claim of an ephemeral volume is named after its pod and the volume.
    const claim = ephemeral ? `${metadata.name ?? ""}-${volume.name}` : persistentVolumeClaim?.claimName;
    const driver =
      claim === undefined ? csi?.driver : await driverOfClaim(services, { namespace: metadata.namespace ?? "", claim });
    if (driver) drivers.add(driver);
  }
  return drivers;
}

interface Sources {
  csi?: { driver: string };
  ephemeral?: object;
  persistentVolumeClaim?: { claimName: string };
}

interface Bound extends KubeObject {
  spec: { volumeName?: string };
}

interface ByDriver extends KubeObject {
  spec: { csi?: { driver: string } };
}

async function driverOfClaim(
  services: Services,
  { namespace, claim }: { namespace: string; claim: string },
): Promise<string | undefined> {
  const held = await services.lookup({ resource: "persistentvolumeclaims", namespace, name: claim });
  const name = (held as Bound | undefined)?.spec.volumeName;
  if (!name) return undefined;
  const volume = await services.lookup({ resource: "persistentvolumes", namespace: "", name });
  return (volume as ByDriver | undefined)?.spec.csi?.driver;
}
