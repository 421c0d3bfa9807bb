/**
 * Concurrent creates through the product's own listener but without sockets, against what the driver does with the log's own statements
 * in groups and nothing else. They take turns, on files of the same durability: both wait for the same disk. The callers live in the
 * same process, which the driver's do not pay for.
 */
import { getRequestListener } from "@hono/node-server";
import type { IncomingMessage, ServerResponse } from "node:http";
import { migrate } from "../../src/storage/migrate.ts";
import type { Database } from "../../src/storage/database.ts";
import { writeStatement } from "../../src/storage/write-sql.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { BENCH_TOKEN, configMapBody, createNamespace, openBenchCluster } from "./fixture.ts";
import type { Report } from "./report.ts";

const GROUP = 64;
/** While one group is committed the next one gathers. */
const CALLERS = 2 * GROUP;
const ROUNDS = 12;
/** The first are the compiler's. */
const WARM_UP_ROUNDS = 4;
/** Of each kind in a round. */
const CREATES = GROUP * 40;
const NAMESPACE = "creates";
const BODY = JSON.stringify(configMapBody("map-{n}"));
const HEADERS = {
  host: "gantry.bench:6443",
  authorization: `Bearer ${BENCH_TOKEN}`,
  accept: "application/json",
  "content-type": "application/json",
};
const PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

export async function run(report: Report): Promise<void> {
  const [own, raw] = [await openTemporaryDatabase({ writesInThread: true }), await openTemporaryDatabase()];
  const cluster = await openBenchCluster(own.database);
  try {
    await migrate(raw.database);
    await createNamespace(cluster, NAMESPACE);
    const { text } = await cluster.call("POST", PATH, { body: configMapBody("sample") });
    const post = poster(cluster.app);
    const rates = { api: [] as number[], raw: [] as number[] };
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      const api = await rate(() => createByCall(post, round * CREATES));
      const driver = await rate(() => createByDriver(raw.database, text, round * CREATES));
      if (round < WARM_UP_ROUNDS) continue;
      rates.api.push(api);
      rates.raw.push(driver);
    }
    const row = { bench: "api/create, no sockets", metric: "throughput", unit: "creates/s" };
    report({ ...row, case: `gantry, ${CALLERS} callers`, value: median(rates.api) });
    report({ ...row, case: `raw driver, groups of ${GROUP}`, value: median(rates.raw) });
    const ratios = rates.api.map((value, at) => value / (rates.raw[at] ?? 0));
    report({
      ...row,
      case: `gantry, ${CALLERS} callers`,
      metric: "of the raw driver",
      value: median(ratios),
      unit: "",
    });
  } finally {
    await cluster.stop();
    await own.close();
    await raw.close();
  }
}

async function createByCall(call: (body: string) => Promise<void>, first: number): Promise<void> {
  let next = first;
  const callInTurn = async (): Promise<void> => {
    while (next < first + CREATES) await call(BODY.replace("{n}", String(next++)));
  };
  await Promise.all(Array.from({ length: CALLERS }, callInTurn));
}

/**
 * Posts through the listener of the product's server, with a request and an answer that have no socket: what a request costs beyond them
 * is what it costs the product.
 */
function poster(app: { fetch: (request: Request) => Promise<Response> }): (body: string) => Promise<void> {
  const listener = getRequestListener((request) => app.fetch(request));
  return (body) =>
    new Promise((resolve, reject) => {
      const rawBody = Buffer.from(body);
      const headers = { ...HEADERS, "content-length": String(rawBody.byteLength) };
      const incoming = {
        method: "POST",
        url: PATH,
        headers,
        rawHeaders: Object.entries(headers).flat(),
        rawBody,
        on() {},
      };
      let status = 0;
      const outgoing = {
        on() {},
        writeHead(code: number) {
          status = code;
        },
        end(text: string) {
          if (status === 201) resolve();
          else reject(new Error(`${status}: ${text}`));
        },
      };
      void listener(incoming as unknown as IncomingMessage, outgoing as unknown as ServerResponse);
    });
}

async function createByDriver(database: Database, value: string, first: number): Promise<void> {
  for (let start = first; start < first + CREATES; start += GROUP) {
    const statements = Array.from({ length: GROUP }, (_, at) => {
      const uid = crypto.randomUUID();
      const stored = { resource: "configmaps", namespace: "raw", name: `raw-${start + at}`, uid, form: "v1/1" };
      return writeStatement({ ...stored, op: "create", labels: {}, fields: {}, value, writeId: uid }, Date.now());
    });
    await database.batch(statements, "write");
  }
}

async function rate(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (CREATES * 1_000) / (performance.now() - startMs);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
