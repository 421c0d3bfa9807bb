/** The claims of a pod. */
import type { PodShape, Refusal, Tables } from "../framework.ts";

type Claiming = Pick<PodShape, "namespace" | "claims">;

/** "namespace/name" of each. */
export function claimKeys({ namespace, claims }: Claiming): string[] {
  return claims.map(({ name }) => `${namespace}/${name}`);
}

/** Why the pod has to wait, where a claim is not there, or of no use. */
export function missingClaim(plugin: string, { namespace, claims }: Claiming, tables: Tables): Refusal | undefined {
  for (const { name, ephemeral } of claims) {
    const reason = faultOf(name, ephemeral, tables.claims.get(`${namespace}/${name}`));
    if (reason !== undefined) return { plugin, reasons: [reason], unresolvable: true };
  }
  return undefined;
}

function faultOf(name: string, ephemeral: boolean, claim: ReturnType<Tables["claims"]["get"]>): string | undefined {
  if (claim === undefined) {
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  if (claim.phase === "Lost") {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.volumeName}"`;
  }
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
  return undefined;
}
