/** The whole edge as it is deployed, in workerd on this machine over a libSQL server: worker, hub, loops, broker. */
import { readdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { Fetch } from "../../src/client/client.ts";
import { createDatabaseNamespaces } from "../../src/platform/workers/database-namespaces.ts";
import type { Database } from "../../src/storage/database.ts";
import { BASE_URL } from "./accounts.ts";
import { startSqld } from "./sqld.ts";

/** A request to the libSQL server: a batch of SQL, or one to its admin API. */
export interface RoundTrip {
  /** Of the database. */
  name: string;
  to: "sql" | "admin";
  method: string;
  body: string;
}

/** "lost": it is done, but nobody hears of it; "refused": it is not done. */
export type Fault = "lost" | "refused" | undefined;

export interface EdgeWorker {
  fetch: Fetch;
  /** Since the start, oldest first. */
  roundTrips: RoundTrip[];
  /** What is to happen to each; undefined: nothing does. */
  faulty: ((roundTrip: RoundTrip) => Fault) | undefined;
  /** Runs what the deployment's cron runs. */
  sweep(): Promise<void>;
  /** Names of all databases. */
  databases(): Promise<string[]>;
  /** One of them, past everything that is faulty. */
  open(name: string): Promise<Database>;
  create(name: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startEdgeWorker(): Promise<EdgeWorker> {
  const sqld = await startSqld({ namespaces: true });
  const namespaces = createDatabaseNamespaces({ url: sqld.url, adminUrl: sqld.adminUrl ?? "" });
  const edge: Pick<EdgeWorker, "roundTrips" | "faulty"> = { roundTrips: [], faulty: undefined };
  const undo: (() => Promise<unknown>)[] = [() => sqld.stop()];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const sql = await startProxy(edge, { target: sqld.url, to: "sql" });
    undo.push(() => sql.stop());
    const admin = await startProxy(edge, { target: sqld.adminUrl ?? "", to: "admin" });
    undo.push(() => admin.stop());
    const miniflare = await startWorkerd({ DATABASE_URL: sql.url, DATABASE_ADMIN_URL: admin.url });
    undo.push(() => miniflare.dispose());
    return Object.assign(edge, {
      fetch: async (request: Request) => await dispatched(miniflare, request),
      sweep: async () => void (await (await miniflare.getWorker()).scheduled()),
      databases: () => readdir(join(sqld.folder, "data.sqld", "dbs")),
      open: (name: string) => namespaces.open(name),
      create: (name: string) => namespaces.create(name),
      stop,
    });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startWorkerd(vars: Record<string, string>): Promise<Miniflare> {
  const bundle = await build({
    entryPoints: [new URL("../../src/platform/workers/worker.ts", import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    target: "es2024",
  });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // Faults are made on purpose, and who stops it does not wait for control loops.
      handleStructuredLogs: () => {},
      modules: true,
      script: bundle.outputFiles[0]?.text ?? "",
      compatibilityDate: "2026-10-01",
      compatibilityFlags: ["enable_request_signal"],
      durableObjects: {
        CLUSTER_HUB: { className: "ClusterHub", useSQLite: true },
        CLUSTER_LOOPS: { className: "ClusterLoops", useSQLite: true },
        ACCOUNTS_REMINDER: { className: "AccountsReminder", useSQLite: true },
        STREAM_BROKER: { className: "StreamBroker", useSQLite: true },
      },
      bindings: {
        ...vars,
        MASTER_KEY: Buffer.alloc(32).toString("base64"),
        ADMIN_TOKEN_HASHES: "",
        SERVER_URL: BASE_URL,
      },
    }),
  );
  await miniflare.ready;
  return miniflare;
}

/** As a client's request: its address stays that of the deployment. */
async function dispatched(miniflare: Miniflare, request: Request): Promise<Response> {
  const { method, headers } = request;
  const body = request.body === null ? undefined : await request.arrayBuffer();
  const init = { method, headers: [...headers], ...(body === undefined ? {} : { body }), redirect: "manual" as const };
  const answer = await miniflare.dispatchFetch(request.url, init);
  return new Response(answer.body as ReadableStream<Uint8Array> | null, {
    status: answer.status,
    headers: [...answer.headers],
  });
}

interface Proxy {
  url: string;
  stop(): Promise<void>;
}

async function startProxy(
  edge: Pick<EdgeWorker, "roundTrips" | "faulty">,
  { target, to }: { target: string; to: RoundTrip["to"] },
): Promise<Proxy> {
  const server = createServer((request, response) => {
    forward(edge, { target, to, request, response }).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function forward(
  edge: Pick<EdgeWorker, "roundTrips" | "faulty">,
  at: { target: string; to: RoundTrip["to"]; request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const { target, to, request, response } = at;
  const { method = "GET", url = "/" } = request;
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const namespace = request.headers["x-namespace-bin"];
  const name =
    to === "admin"
      ? (/^\/v1\/namespaces\/([^/]+)/.exec(url)?.[1] ?? "")
      : Buffer.from(String(namespace ?? ""), "base64").toString();
  const roundTrip: RoundTrip = { name, to, method, body: body.toString() };
  edge.roundTrips.push(roundTrip);
  const fault = edge.faulty?.(roundTrip);
  if (fault === "refused") return void response.destroy();
  const headers = new Headers();
  for (const header of ["content-type", "x-namespace-bin", "authorization"]) {
    const value = request.headers[header];
    if (typeof value === "string") headers.set(header, value);
  }
  const answer = await fetch(target + url, { method, headers, ...(body.length > 0 ? { body } : {}) });
  const text = Buffer.from(await answer.arrayBuffer());
  if (fault === "lost") return void response.destroy();
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "application/json" });
  response.end(text);
}
