/**
 * The last known state on disk, a file per kind of thing, each replaced atomically. Data files are written before the file with the
 * revision: after a crash in between the data is newer than the revision says, and the changes that come again do no harm.
 */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { Log } from "../../src/platform/platform.ts";
import type { SyncResponse } from "../../src/relay/protocol.ts";
import { SECTIONS, type Desired, type NodeState, type Section } from "./desired.ts";

export interface StateStore {
  /** Undefined when nothing (whole) is on disk. */
  load(): Promise<SyncResponse | undefined>;
  /** Writes what changed, soon; several calls become one write. */
  save(sections: ReadonlySet<Section>): void;
  busy(): boolean;
  /** Resolves when everything said so far is on disk. */
  flush(): Promise<void>;
}

const NODE_FILE = "node.json";

async function replaceFile(path: string, text: string): Promise<void> {
  // Secrets are among it: for the agent's user only.
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

export function createStateStore(deps: { directory: string; desired: Desired; log: Log }): StateStore {
  const { directory, desired, log } = deps;
  const dirty = new Set<Section>();
  let nodeDirty = false;
  let nodeWritten = "";
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    while (dirty.size > 0 || nodeDirty) {
      const sections = [...dirty];
      dirty.clear();
      nodeDirty = false;
      const node = JSON.stringify(desired.node());
      for (const section of sections)
        await replaceFile(join(directory, `${section}.json`), JSON.stringify(desired.list(section)));
      if (node !== nodeWritten) await replaceFile(join(directory, NODE_FILE), node);
      nodeWritten = node;
    }
  }

  async function read<T>(name: string): Promise<T> {
    return JSON.parse(await readFile(join(directory, name), "utf8")) as T;
  }

  return {
    async load() {
      try {
        const node = await read<NodeState>(NODE_FILE);
        const lists = new Map<Section, KubeObject[]>();
        for (const section of SECTIONS) {
          lists.set(section, await read<KubeObject[]>(`${section}.json`).catch(ifMissing));
        }
        const list = (section: Section) => lists.get(section) ?? [];
        return {
          revision: node.revision,
          full: true,
          node: node.node,
          pods: list("pods"),
          removedPods: [],
          secrets: list("secrets"),
          configMaps: list("configMaps"),
          services: list("services"),
          endpointSlices: list("endpointSlices"),
          removedServices: [],
          removedEndpointSlices: [],
          peers: node.peers,
          statusResults: [],
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") log.warn("the state on disk is unreadable", { error });
        return undefined;
      }
    },
    save(sections) {
      for (const section of sections) dirty.add(section);
      nodeDirty = true;
      writing ??= writeAll()
        .catch((error: unknown) => log.error("the state could not be written", { error }))
        .finally(() => (writing = undefined));
    },
    busy: () => writing !== undefined,
    async flush() {
      // What was said while it was writing has become part of the same write.
      await writing;
    },
  };
}

function ifMissing(error: unknown): KubeObject[] {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
  throw error;
}
