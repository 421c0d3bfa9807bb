/**
 * Rotation of a cluster's keys without a pause. A new data key writes from one compare-and-swap on, then the rows under older keys are
 * written anew, slice by slice, then the older keys go. A new token key is published for an hour before it signs. Whatever ends this in
 * the middle, the next call goes on: what is under way is seen from the keys themselves.
 */
import type { Reencrypt } from "../storage/reencryption.ts";
import type { Clock, Log } from "../platform/platform.ts";
import type { ClusterKeys } from "./cluster-keys.ts";

export interface RotationReport {
  /** False: time was up; call again. */
  done: boolean;
  /** Id of the key that encrypts values now. */
  dataKey: string;
  /** Rows brought under it by this call. */
  rewritten: number;
  /** Rows that no key opens; they are left as they are. */
  unreadable: number;
  /** When the newest token key begins to sign (Unix ms). */
  tokenKeySignsFromMs: number;
}

const SLICE = { rowsMax: 100, bytesMax: 1_000_000 };

/** @throws StorageError "unavailable" */
export async function rotateKeys(
  deps: {
    keys: Pick<ClusterKeys, "rotation">;
    reencrypt: Reencrypt;
    /** Which of these token keys have signed tokens without an end that Secrets still hold. */
    heldTokenKeys(keyIds: readonly string[]): Promise<readonly string[]>;
    clock: Clock;
    log: Log;
  },
  { deadlineMs }: { deadlineMs: number },
): Promise<RotationReport> {
  const { reencrypt, clock, log } = deps;
  const { rotation } = deps.keys;
  const { dataKey, resources } = await rotation.begin();
  const report = { done: false, dataKey, rewritten: 0, unreadable: 0, tokenKeySignsFromMs: rotation.signsFromMs() };
  for (const resource of resources) {
    for (let since: number | undefined = 0; since !== undefined;) {
      if (clock.now() >= deadlineMs) return report;
      const slice = await reencrypt({ resource, since, ...SLICE });
      report.rewritten += slice.rewritten;
      report.unreadable += slice.unreadable;
      since = slice.next;
    }
  }
  if (report.unreadable > 0) log.error("values at rest that no key opens", { count: report.unreadable });
  const ended = rotation.endedTokenKeys();
  const held = ended.length === 0 ? [] : await deps.heldTokenKeys(ended);
  await rotation.finish({ dataKey, tokenKeys: ended.filter((keyId) => !held.includes(keyId)) });
  return { ...report, done: true };
}
