/**
 * Does an operation cost more where more is stored? Get, create and a page of a list, without the memory of what was read, in clusters
 * that differ in one thing each. They take turns in short rounds, so that the machine's moods meet all of them.
 */
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { configMapBody, copyObject, createNamespace, openBenchCluster, type BenchCluster } from "./fixture.ts";
import type { Report } from "./report.ts";

const BASE = 1_000;
const ROUNDS = 15;
const OPERATIONS = 200;
const AT_ONCE = 32;
const GROUP_WRITES = 64;
const NAMESPACE = "scale";
const PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const ORIGINAL = { resource: "configmaps", namespace: NAMESPACE, name: "map-first" };

interface Variant {
  name: string;
  fill: (cluster: BenchCluster) => Promise<void>;
}

const VARIANTS: readonly Variant[] = [
  { name: "1,000 objects", fill: (cluster) => fillMaps(cluster, BASE) },
  { name: "100,000 objects", fill: (cluster) => fillMaps(cluster, 100_000) },
  {
    name: "1,000 objects beside 500 namespaces",
    fill: async (cluster) => {
      await fillMaps(cluster, BASE);
      const original = { resource: "namespaces", namespace: "", name: NAMESPACE };
      await copyObject(cluster, original, 500, (at) => ({ name: `namespace-${at}` }));
      await copyObject(cluster, ORIGINAL, 5_000, (at) => ({ name: `map-${at}`, namespace: `namespace-${at % 500}` }));
    },
  },
  {
    name: "1,000 objects beside 500 kinds",
    fill: async (cluster) => {
      await fillMaps(cluster, BASE);
      await copyObject(cluster, ORIGINAL, 5_000, (at) => ({
        name: `thing-${at}`,
        resource: `things${at % 500}.example.com`,
      }));
    },
  },
  {
    name: "1,000 objects, 100,000 old revisions",
    fill: async (cluster) => {
      await fillMaps(cluster, BASE);
      await makeHistory(cluster, 100);
    },
  },
];

const OPERATIONS_OF: Record<string, (cluster: BenchCluster, at: number) => Promise<unknown>> = {
  get: ({ call }, at) => call("GET", `${PATH}/map-${(at * 7_919) % BASE}`),
  create: ({ call }, at) => call("POST", PATH, { body: configMapBody(`new-${at}`) }),
  "list of 20": ({ call }) => call("GET", `${PATH}?limit=20`),
};

export async function run(report: Report): Promise<void> {
  const opened = await Promise.all(VARIANTS.map(open));
  try {
    for (const [name, operation] of Object.entries(OPERATIONS_OF)) {
      const timesUs = opened.map(() => [] as number[]);
      for (let round = -1; round < ROUNDS; round++) {
        for (const [at, { cluster }] of opened.entries()) {
          const us = await timeUs(cluster, operation, (round + 1) * OPERATIONS);
          if (round >= 0) timesUs[at]?.push(us);
        }
      }
      const baseUs = Math.min(...(timesUs[0] ?? []));
      for (const [at, { variant }] of opened.entries()) {
        const row = { bench: `scale/${name}`, case: variant };
        // The quickest round of each: what else the machine does comes on top at random.
        const us = Math.min(...(timesUs[at] ?? []));
        report({ ...row, metric: "time", value: us, unit: "µs" });
        if (at > 0) report({ ...row, metric: "of the first", value: us / baseUs, unit: "" });
      }
    }
  } finally {
    for (const { close } of opened) await close();
  }
}

async function open({ name, fill }: Variant) {
  const temporary = await openTemporaryDatabase({ writesInThread: true });
  const cluster = await openBenchCluster(temporary.database);
  await createNamespace(cluster, NAMESPACE);
  await cluster.call("POST", PATH, { body: configMapBody(ORIGINAL.name) });
  await fill(cluster);
  await cluster.hub.poll();
  const close = async () => {
    await cluster.stop();
    await temporary.close();
  };
  return { variant: name, cluster, close };
}

async function fillMaps(cluster: BenchCluster, count: number): Promise<void> {
  await copyObject(cluster, ORIGINAL, count, (at) => ({ name: `map-${at}` }));
}

/** Changes each of the first objects so many times. */
async function makeHistory({ storage }: BenchCluster, times: number): Promise<void> {
  const { objects } = await storage.list({ resource: ORIGINAL.resource, namespace: NAMESPACE });
  const revisions = objects.map(({ revision }) => revision);
  for (let time = 0; time < times; time++) {
    for (let start = 0; start < objects.length; start += GROUP_WRITES) {
      const group = objects.slice(start, start + GROUP_WRITES);
      const writes = group.map(({ revision: _revision, ...stored }, at) => ({
        ...stored,
        op: "update" as const,
        expected: revisions[start + at] ?? 0,
        writeId: crypto.randomUUID(),
      }));
      const { outcomes } = await storage.commit(writes, { since: Number.MAX_SAFE_INTEGER, limit: 1 });
      for (const [at, outcome] of outcomes.entries()) revisions[start + at] = outcome.ok ? outcome.revision : 0;
    }
  }
}

async function timeUs(
  cluster: BenchCluster,
  operation: (cluster: BenchCluster, at: number) => Promise<unknown>,
  first: number,
): Promise<number> {
  const startMs = performance.now();
  for (let start = first; start < first + OPERATIONS; start += AT_ONCE) {
    const end = Math.min(start + AT_ONCE, first + OPERATIONS);
    await Promise.all(Array.from({ length: end - start }, (_, at) => operation(cluster, start + at)));
  }
  return ((performance.now() - startMs) * 1_000) / OPERATIONS;
}
