/**
 * Reads from memory what nobody has written since it was read. For a process that is the only writer of its database (embedded mode):
 * there the hub announces every commit before the writer hears of it. Elsewhere reads go to SQL.
 */
import type { ListPage, ListQuery, LogEntry, ObjectKey, StorageReader, StoredObject } from "../storage/storage.ts";

/** Length of the values that are kept; the least recently used go first. */
const BYTES_MAX = 16 * 1024 * 1024;
/** A list larger than this would push out everything else. */
const LIST_BYTES_MAX = 4 * 1024 * 1024;

/** `limit` is that of a first page; whole lists answer for any limit that they do not exceed. */
type KeptList = { kind: "list"; page: ListPage; limit: number | undefined; bytes: number };
type Kept = { kind: "object"; object: StoredObject; bytes: number } | KeptList;

export interface CachedReaderDeps {
  storage: StorageReader;
  /** The hub's: called in order, after each commit, before its writers get their answers. */
  onCommit(listener: (entries: readonly LogEntry[]) => void): () => void;
  bytesMax?: number;
}

export async function createCachedReader(deps: CachedReaderDeps): Promise<StorageReader> {
  const reader = new CachedReader(deps);
  await reader.start();
  return reader;
}

class CachedReader implements StorageReader {
  readonly #storage: StorageReader;
  readonly #bytesMax: number;
  /** In order of use. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  /** All commits up to here have been announced, so what is kept is the state at this revision. */
  #announced = 0;
  /** The newest revision that any answer carried; above `#announced` what is kept may be older than what a client has seen. */
  #seen = 0;
  /** Changes with every commit: a read that overlaps one is not kept. */
  #generation = 0;

  constructor(deps: CachedReaderDeps) {
    this.#storage = deps.storage;
    this.#bytesMax = deps.bytesMax ?? BYTES_MAX;
    deps.onCommit((entries) => this.#committed(entries));
  }

  async start(): Promise<void> {
    // Nothing is kept yet, so whatever is read from now on holds at least this.
    this.#announced = Math.max(this.#announced, await this.#storage.revision());
  }

  async get(key: ObjectKey): Promise<{ object: StoredObject | undefined; revision: number }> {
    const id = objectId(key.resource, key.namespace, key.name);
    const kept = this.#use(id);
    if (kept?.kind === "object") return { object: kept.object, revision: this.#announced };
    const generation = this.#generation;
    const answer = await this.#storage.get(key);
    const { object, revision } = answer;
    if (this.#isCurrent(generation, revision) && object) {
      this.#keep(id, { kind: "object", object, bytes: object.value.length });
    }
    return answer;
  }

  /** One by one where anything is to be kept: what asks for whole namespaces asks often, and here a round trip is none. */
  async getMany(keys: readonly ObjectKey[], wholes: readonly Omit<ObjectKey, "name">[] = []): Promise<StoredObject[]> {
    if (wholes.length === 0) return await this.#storage.getMany(keys);
    const [objects, pages] = await Promise.all([
      Promise.all(keys.map((key) => this.get(key))),
      Promise.all(wholes.map((whole) => this.list(whole))),
    ]);
    return [...objects.flatMap(({ object }) => object ?? []), ...pages.flatMap((page) => page.objects)];
  }

  /** Whole lists and first pages are kept, one of each kind and namespace: what informers, kubectl and control loops ask for again. */
  async list(query: ListQuery): Promise<ListPage> {
    if (query.selector || query.revision !== undefined || query.after) {
      const page = await this.#storage.list(query);
      if (query.revision === undefined) this.#seen = Math.max(this.#seen, page.revision);
      return page;
    }
    const id = listId(query.resource, query.namespace);
    const kept = this.#use(id);
    if (kept?.kind === "list" && answers(kept, query.limit)) return { ...kept.page, revision: this.#announced };
    const generation = this.#generation;
    const page = await this.#storage.list(query);
    // A page that was not counted does not answer one that is to be.
    if (
      this.#isCurrent(generation, page.revision) &&
      (!page.more || (query.limit !== undefined && query.counted !== false))
    ) {
      const bytes = page.objects.reduce((sum, { value }) => sum + value.length, 0);
      if (bytes <= LIST_BYTES_MAX) this.#keep(id, { kind: "list", page, limit: query.limit, bytes });
    }
    return page;
  }

  async revision(): Promise<number> {
    const revision = await this.#storage.revision();
    this.#seen = Math.max(this.#seen, revision);
    return revision;
  }

  #isCurrent(generation: number, revision: number): boolean {
    this.#seen = Math.max(this.#seen, revision);
    return generation === this.#generation && revision === this.#announced;
  }

  #use(id: string): Kept | undefined {
    if (this.#seen > this.#announced) return undefined;
    return this.#kept.get(id);
  }

  #keep(id: string, kept: Kept): void {
    this.#drop(id);
    this.#kept.set(id, kept);
    this.#bytes += kept.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.delete(id);
    this.#bytes -= kept.bytes;
  }

  #committed(entries: readonly LogEntry[]): void {
    this.#generation++;
    for (const { resource, namespace, name, revision } of entries) {
      this.#drop(objectId(resource, namespace, name));
      this.#drop(listId(resource, namespace));
      this.#drop(listId(resource, undefined));
      this.#announced = Math.max(this.#announced, revision);
    }
  }
}

function answers({ page, limit }: KeptList, asked: number | undefined): boolean {
  if (page.more) return limit === asked;
  return asked === undefined || page.objects.length <= asked;
}

function objectId(resource: string, namespace: string, name: string): string {
  return `${resource}/${namespace}/${name}`;
}

/** Two slashes at most are in an object's id, so these never meet. */
function listId(resource: string, namespace: string | undefined): string {
  return namespace === undefined ? `*/${resource}` : `*/${resource}/${namespace}/`;
}
