/**
 * Which copy of the scheduler may bind: the one that wrote the Lease last (decision 0013). Its bindings are stored only as long as the
 * Lease is at that revision, so a copy that was replaced cannot bind any more, however late its decisions arrive. Whoever takes the
 * Lease then reads which pods are bound: nothing that was decided before is missing. Nothing is renewed: an idle scheduler writes
 * nothing.
 */
import type { Client } from "../client/client.ts";
import type { Stores } from "../controller-runtime/stores.ts";
import { leases, type Lease } from "../kinds/coordination/leases/types.ts";
import { pods, type Pod } from "../kinds/core/pods/types.ts";
import { formatMicroTime } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Platform } from "../platform/platform.ts";

export interface Claim {
  /** What a binding carries; undefined while another copy, or none, has the Lease. */
  readonly revision: string | undefined;
  /** Takes the Lease and learns what was bound before. @throws StatusError */
  take(): Promise<void>;
  /** After a binding that was refused: is the Lease still ours? */
  check(): Promise<void>;
  /** Nobody knows whether a binding was stored: taken anew, the Lease keeps out what is still under way and shows what is not. */
  drop(): void;
}

const AT = { namespace: "kube-system", name: "kube-scheduler" };
const PAGE = 500;
/** See http/subresources/binding.ts. */
export const FENCE_ANNOTATION = "scheduling.gantry.dev/lease";

export function fenceOf(revision: string): string {
  return `${AT.namespace}/${AT.name}/${revision}`;
}

export function createClaim(deps: {
  client: Client;
  stores: Pick<Stores, "pods">;
  platform: Pick<Platform, "clock" | "random">;
}): Claim {
  const { client, stores, platform } = deps;
  const holderIdentity = platform.random.uuid();
  let revision: string | undefined;
  let checking: Promise<void> | undefined;

  async function write(): Promise<Lease> {
    const now = formatMicroTime(platform.clock.now());
    const spec = { holderIdentity, acquireTime: now, renewTime: now };
    const lease: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: AT, spec };
    try {
      const known = await client.get<Lease>(leases, AT);
      const leaseTransitions = (known.spec?.leaseTransitions ?? 0) + 1;
      return await client.update<Lease>(leases, { ...known, spec: { ...known.spec, ...spec, leaseTransitions } });
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
      return await client.create<Lease>(leases, lease, AT);
    }
  }

  async function learn(): Promise<void> {
    let token: string | undefined;
    do {
      const page = await client.list<Pod>(pods, {
        fieldSelector: "spec.nodeName!=",
        limit: PAGE,
        ...(token === undefined ? {} : { continue: token }),
      });
      for (const pod of page.items) stores.pods.observe(pod);
      token = page.metadata.continue || undefined;
    } while (token !== undefined);
  }

  async function look(): Promise<void> {
    const mine = revision;
    const known = await client.get<Lease>(leases, AT).catch(() => undefined);
    if (revision === mine && known?.metadata.resourceVersion !== mine) revision = undefined;
  }

  return {
    get revision() {
      return revision;
    },
    async take() {
      const taken = await write();
      await learn();
      revision = taken.metadata.resourceVersion;
    },
    drop() {
      revision = undefined;
    },
    check() {
      checking ??= look().finally(() => (checking = undefined));
      return checking;
    },
  };
}
