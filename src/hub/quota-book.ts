/**
 * What the hub knows of ResourceQuotas, to charge writes with: each becomes a write that is stored only on top of the quota it was
 * counted against, with the quota's next state as its companion. So `status.used` changes in the transaction that stores the object; of
 * many in a group each goes on top of the one before. Whoever loses that race, to another hub or because the one before was not stored,
 * is counted again.
 */
import { chargeQuota, type QuotaStatus } from "../machinery/quota-amounts.ts";
import type {
  CompanionWrite,
  LogEntry,
  ObjectKey,
  PreparedWrite,
  StorageReader,
  StoredObject,
  WriteCondition,
  WriteOutcome,
} from "../storage/storage.ts";
import { companionWriteId } from "../storage/write-sql.ts";

const RESOURCE = "resourcequotas";
/** Those that were charged last. */
const REMEMBERED_MAX = 1_024;

export type Charged = { write: PreparedWrite } | { outcome: WriteOutcome };

interface QuotaObject {
  metadata: object;
  spec: { hard?: Readonly<Record<string, string>> };
  status?: QuotaStatus;
}

/** A state of a quota, stored or about to be. */
interface State {
  uid: string;
  at: { revision: number } | { writeId: string };
  object: QuotaObject;
}

export class QuotaBook {
  readonly #storage: Pick<StorageReader, "getMany">;
  /** By key, in order of use. */
  readonly #known = new Map<string, State>();

  constructor({ storage }: { storage: Pick<StorageReader, "getMany"> }) {
    this.#storage = storage;
  }

  /** Every part of the log, in order. */
  seen(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      if (entry.resource !== RESOURCE) continue;
      const key = keyOf(entry);
      if (!this.#known.has(key)) continue;
      if (entry.type === "DELETED") this.#known.delete(key);
      else this.#known.set(key, stateOf(entry));
    }
  }

  /** Part of the log was missed. */
  clear(): void {
    this.#known.clear();
  }

  /** One answer for each write, in order; those without charges stay as they are. @throws StorageError "unavailable" */
  async charge(writes: readonly PreparedWrite[]): Promise<Charged[]> {
    const wanted = new Map<string, ObjectKey>();
    for (const write of writes) {
      for (const { name } of write.charges ?? []) {
        const at = { resource: RESOURCE, namespace: write.namespace, name };
        wanted.set(keyOf(at), at);
      }
    }
    if (wanted.size === 0) return writes.map((write) => ({ write }));
    const fresh = await this.#load([...wanted].filter(([key]) => !this.#known.has(key)).map(([, at]) => at));
    const charged = this.#chargeAll(writes);
    const refused = writes.flatMap((write, at) => {
      const answer = charged[at];
      return answer && "outcome" in answer ? (write.charges ?? []).map(({ name }) => ({ ...write, name })) : [];
    });
    // Nobody is refused by what may be out of date: another hub may have given back.
    const doubtful = refused.map(({ namespace, name }) => ({ resource: RESOURCE, namespace, name }));
    const stale = doubtful.filter((at) => !fresh.has(keyOf(at)));
    if (stale.length === 0) return charged;
    await this.#load(stale);
    return this.#chargeAll(writes);
  }

  /** Returns the keys that were read. */
  async #load(keys: readonly ObjectKey[]): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set();
    const found = await this.#storage.getMany(keys);
    for (const key of keys) this.#known.delete(keyOf(key));
    for (const row of found) this.#known.set(keyOf(row), stateOf(row));
    return new Set(keys.map(keyOf));
  }

  #chargeAll(writes: readonly PreparedWrite[]): Charged[] {
    const states = new Map<string, State>();
    const charged = writes.map((write) => this.#chargeOne(write, states));
    for (const [key] of this.#known) {
      if (this.#known.size <= REMEMBERED_MAX) break;
      this.#known.delete(key);
    }
    return charged;
  }

  /** `states` are those that the writes before in the group will leave. */
  #chargeOne(write: PreparedWrite, states: Map<string, State>): Charged {
    const { charges, ...rest } = write;
    if (!charges) return { write };
    const conditions: WriteCondition[] = [...(write.conditions ?? [])];
    const companions: CompanionWrite[] = [...(write.companions ?? [])];
    const next = new Map<string, State>();
    for (const { name, uid, usage } of charges) {
      const at = { resource: RESOURCE, namespace: write.namespace, name };
      const key = keyOf(at);
      const state = states.get(key) ?? this.#use(key);
      if (state?.uid !== uid) return { outcome: { ok: false, reason: "unexpected" } };
      const answer = chargeQuota(state.object.status ?? {}, usage);
      if ("exceeded" in answer) {
        return { outcome: { ok: false, reason: "quota", why: `exceeded quota: ${name}, ${answer.exceeded}` } };
      }
      conditions.push({ kind: "head", ...at, ...state.at });
      const { status } = state.object;
      if (answer.used === status?.used && isCounted(state.object)) continue;
      const object = answer.used ? { ...state.object, status: { ...status, used: answer.used } } : state.object;
      companions.push({ op: "update", ...at, value: JSON.stringify(object) });
      next.set(key, { uid, at: { writeId: companionWriteId(write, companions.length - 1) }, object });
    }
    for (const [key, state] of next) states.set(key, state);
    return { write: { ...rest, conditions, companions } };
  }

  #use(key: string): State | undefined {
    const state = this.#known.get(key);
    if (!state) return undefined;
    this.#known.delete(key);
    this.#known.set(key, state);
    return state;
  }
}

/**
 * Until the controller has counted everything that the quota limits, writes that it will count change the quota without a difference: so
 * none of them comes unseen between the counting and the storing of what was counted.
 */
function isCounted({ spec, status }: QuotaObject): boolean {
  return Object.keys(spec.hard ?? {}).every((name) => status?.hard?.[name] !== undefined);
}

function stateOf({ uid, revision, value }: StoredObject): State {
  return { uid, at: { revision }, object: JSON.parse(value) as QuotaObject };
}

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}
