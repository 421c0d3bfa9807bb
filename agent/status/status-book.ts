/** Which statuses the control plane still has to hear: each change once, unchanged ones never. */
import type { SyncRequest } from "../../src/relay/protocol.ts";
import type { Pod, PodStatus } from "../pods/pod.ts";

type Pending = SyncRequest["podStatuses"][number];

/** JSON with sorted keys and without what is null or empty text: two spellings of one status are equal. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null) return undefined;
    if (typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

interface Entry {
  pending: Pending;
  text: string;
  accepted: string | undefined;
}

export interface StatusBook {
  /** Notes the status a pod now has. */
  set(pod: Pod, status: PodStatus): void;
  current(uid: string): PodStatus | undefined;
  pending(): Pending[];
  /** @returns true when that is the status the pod still has. */
  accept(uid: string, status: Record<string, unknown>): boolean;
  isAccepted(uid: string): boolean;
  forget(uid: string): void;
  onChange(listener: () => void): () => void;
}

export function createStatusBook(): StatusBook {
  const entries = new Map<string, Entry>();
  const listeners = new Set<() => void>();
  return {
    set(pod, status) {
      const { uid, namespace, name } = pod.metadata;
      const text = canonical(status);
      const before = entries.get(uid);
      if (before?.text === text) return;
      // What the API already shows need not be told, as after a restart of the agent.
      const accepted = pod.status !== undefined && canonical(pod.status) === text ? text : before?.accepted;
      entries.set(uid, { pending: { namespace, name, uid, status }, text, accepted });
      if (accepted !== text) for (const listener of listeners) listener();
    },
    current: (uid) => entries.get(uid)?.pending.status,
    pending: () => [...entries.values()].filter((e) => e.accepted !== e.text).map((e) => e.pending),
    accept(uid, status) {
      const entry = entries.get(uid);
      if (entry === undefined) return false;
      entry.accepted = canonical(status);
      return entry.accepted === entry.text;
    },
    isAccepted(uid) {
      const entry = entries.get(uid);
      return entry !== undefined && entry.accepted === entry.text;
    },
    forget: (uid) => void entries.delete(uid),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
