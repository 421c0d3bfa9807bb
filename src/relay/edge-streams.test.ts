/** The relay's edge half in workerd, between real sockets: tunnels, and streams whose bytes no JavaScript on the edge reads. */
import { WebSocket } from "ws";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createHttpsFetch } from "../../agent/https-fetch.ts";
import { sendBody } from "../../agent/streams/send-body.ts";
import { openTunnel, type Tunnel } from "../../agent/tunnel.ts";
import type { Revocation } from "../machinery/opener.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import type { LogEntry } from "../storage/storage.ts";
import type { TunnelMessage } from "./protocol.ts";
import { startRelayWorker, type RelayWorker } from "./testing/start-relay-worker.ts";

const platform = createNodePlatform({ level: "error" });
const MIB = 1024 * 1024;
const http = createHttpsFetch();
const plainFetch = http.fetch;
let worker: RelayWorker | undefined;
let base: string;
let nodes = 0;
const open: { terminate(): void }[] = [];
const tunnels: Tunnel[] = [];

beforeAll(async () => {
  worker = await startRelayWorker();
  base = worker.url;
}, 60_000);
afterAll(async () => {
  for (const tunnel of tunnels) tunnel.stop();
  for (const socket of open) socket.terminate();
  http.close();
  await worker?.stop();
});

type OpenMessage = Extract<TunnelMessage, { type: "open" }>;

/** An agent under a name of its own, with what the hub said to it. */
async function agent(nodeName = `n${(nodes += 1)}`) {
  const messages: TunnelMessage[] = [];
  const tunnel = openTunnel({
    server: base,
    credential: () => nodeName,
    ca: () => undefined,
    platform,
    onMessage: (message) => void messages.push(message),
    onUp: () => {},
    onDown: () => {},
  });
  tunnels.push(tunnel);
  await vi.waitFor(() => expect(tunnel.connected()).toBe(true), { timeout: 5000 });
  const opened = () =>
    vi.waitFor(
      () => {
        const message = messages.find(({ type }) => type === "open");
        if (!message) throw new Error("no stream was opened");
        return message as OpenMessage;
      },
      { timeout: 5000 },
    );
  return { nodeName, tunnel, messages, opened };
}

function connect(path: string, options: { nodeName?: string; protocols?: string[] } = {}): Promise<WebSocket> {
  const { nodeName, protocols = [] } = options;
  const headers = nodeName === undefined ? {} : { authorization: `Bearer ${nodeName}` };
  const socket = new WebSocket(base.replace("http", "ws") + path, protocols, { headers, perMessageDeflate: false });
  open.push(socket);
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => reject(Object.assign(new Error(body), { status: response.statusCode })));
    });
  });
}

async function spliced(query = "command=cat", protocol = "v5.channel.k8s.io") {
  const { nodeName, opened } = await agent();
  const connecting = connect(`/stream/${nodeName}?${query}`, { protocols: [protocol] });
  const { id, ticket } = await opened();
  const [agentEnd, client] = await Promise.all([
    connect(`/agent/v1/streams/${id}?ticket=${ticket}`, { nodeName }),
    connecting,
  ]);
  return { client, agentEnd, nodeName, id, ticket };
}

const next = (socket: WebSocket) => new Promise<Buffer>((resolve) => socket.once("message", resolve));

/** Waits until the number has stood still for a while. */
async function standsStill(value: () => number): Promise<number> {
  for (let last = -1; last !== value();) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return value();
}

/** Sends as long as the network takes it, at most `total` bytes. */
function pour(socket: WebSocket, total: number): { sent: () => number; stop: () => void } {
  const chunk = Buffer.alloc(64 * 1024, 1);
  let sent = 0;
  let stopped = false;
  const more = () => {
    if (stopped || sent >= total) return;
    sent += chunk.length;
    socket.send(chunk, (error) => error ?? setImmediate(more));
  };
  more();
  return { sent: () => sent, stop: () => (stopped = true) };
}

let rssBefore = 0;
/** Of workerd: the process that holds the object. */
async function workerdRss(): Promise<number> {
  const { readdir, readFile } = await import("node:fs/promises");
  let total = 0;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const [command, status, parent] = await Promise.all(
      ["comm", "status", "stat"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
    );
    const isOurs = Number(parent?.split(") ")[1]?.split(" ")[1]) === process.pid;
    if (command?.startsWith("workerd") && isOurs) total += Number(/VmRSS:\s+(\d+)/.exec(status ?? "")?.[1] ?? 0) * 1024;
  }
  return total;
}
beforeEach(async () => {
  rssBefore = await workerdRss();
  expect(rssBefore).toBeGreaterThan(0);
});

test("exec: the client is answered with its subprotocol once the agent has dialled, and bytes go both ways", async () => {
  const { client, agentEnd } = await spliced();
  expect(client.protocol).toBe("v5.channel.k8s.io");
  agentEnd.send(Buffer.from([1, 104, 105]));
  expect(await next(client)).toEqual(Buffer.from([1, 104, 105]));
  client.send(Buffer.from([255, 0]));
  expect(await next(agentEnd)).toEqual(Buffer.from([255, 0]));
  client.send("text stays text");
  const [data, isBinary] = await new Promise<[Buffer, boolean]>((resolve) =>
    agentEnd.once("message", (...message: [Buffer, boolean]) => resolve(message)),
  );
  expect([data.toString(), isBinary]).toEqual(["text stays text", false]);
});

test("a close of either side reaches the other", async () => {
  const first = await spliced();
  const clientClosed = new Promise((resolve) => first.client.once("close", resolve));
  first.agentEnd.close(1000);
  expect(await clientClosed).toBe(1000);
  const second = await spliced();
  const agentClosed = new Promise((resolve) => second.agentEnd.once("close", resolve));
  second.client.terminate();
  await agentClosed;
});

test("a client that does not read stops the agent, and the edge holds next to nothing", async () => {
  const { client, agentEnd } = await spliced();
  let received = 0;
  client.on("message", (data: Buffer) => (received += data.length));
  client.pause();
  const source = pour(agentEnd, 512 * MIB);
  const stalledAt = await standsStill(source.sent);
  // Three pairs of kernel buffers hold some MiB; the object holds none.
  expect(stalledAt).toBeLessThan(64 * MIB);
  expect((await workerdRss()) - rssBefore).toBeLessThan(64 * MIB);
  client.resume();
  await vi.waitFor(() => expect(received).toBeGreaterThan(stalledAt + 64 * MIB), { timeout: 20_000 });
  source.stop();
}, 60_000);

test("an agent that does not read stops the client", async () => {
  const { client, agentEnd } = await spliced();
  agentEnd.pause();
  const source = pour(client, 512 * MIB);
  expect(await standsStill(source.sent)).toBeLessThan(64 * MIB);
  source.stop();
}, 60_000);

test("logs: the agent's body is the client's, and the agent learns when it has been read", async () => {
  const { nodeName, opened } = await agent();
  const pending = plainFetch(new Request(`${base}/stream/${nodeName}?kind=log`));
  const { id, ticket } = await opened();
  const sent = sendBody({
    url: `${base}/agent/v1/streams/${id}?ticket=${ticket}`,
    credential: nodeName,
    body: new Blob(["line 1\n", "line 2\n"]).stream(),
    fetch: plainFetch,
    signal: new AbortController().signal,
  });
  const response = await pending;
  expect(response.headers.get("content-type")).toBe("text/plain");
  expect(await response.text()).toBe("line 1\nline 2\n");
  await sent;
});

test("logs -f: lines arrive while they are written; a client that leaves ends the agent's reading", async () => {
  const { nodeName, opened } = await agent();
  const leave = new AbortController();
  const pending = plainFetch(new Request(`${base}/stream/${nodeName}?kind=log&follow=true`, { signal: leave.signal }));
  const { id, ticket } = await opened();
  let line: ((text: string) => void) | undefined;
  let cancelled = false;
  const log = new ReadableStream<Uint8Array>({
    start: (controller) => void (line = (text) => controller.enqueue(new TextEncoder().encode(text))),
    cancel: () => void (cancelled = true),
  });
  const url = `${base}/agent/v1/streams/${id}?ticket=${ticket}`;
  const sent = sendBody({
    url,
    credential: nodeName,
    body: log,
    fetch: plainFetch,
    signal: new AbortController().signal,
  });
  sent.catch(() => {});
  line?.("first\n");
  const reader = (await pending).body?.getReader();
  const read = async () => new TextDecoder().decode((await reader?.read())?.value);
  expect(await read()).toBe("first\n");
  line?.("second\n");
  expect(await read()).toBe("second\n");
  leave.abort();
  await vi.waitFor(
    () => {
      // A line shows the edge that nobody reads.
      if (!cancelled) line?.("more\n");
      expect(cancelled).toBe(true);
    },
    { timeout: 10_000, interval: 200 },
  );
});

test("what the agent refuses, and a node that is not there, are ordinary errors", async () => {
  const { nodeName, opened, tunnel } = await agent();
  const refused = connect(`/stream/${nodeName}?command=x`);
  const { id } = await opened();
  tunnel.send({ type: "refuse", id, code: 404, message: "container gone not found in pod p" });
  await expect(refused).rejects.toMatchObject({ status: 404 });
  await expect(refused).rejects.toThrow("container gone not found in pod p");
  await expect(connect("/stream/nobody?command=x")).rejects.toMatchObject({ status: 503 });
});

test("nobody dials a stream with another ticket, as another node, or twice", async () => {
  const { id, ticket, nodeName } = await spliced();
  const at = (t: string) => `/agent/v1/streams/${id}?ticket=${t}`;
  await expect(connect(at("wrong"), { nodeName })).rejects.toMatchObject({ status: 403 });
  await expect(connect(at(ticket), { nodeName: "other" })).rejects.toMatchObject({ status: 403 });
  await expect(connect(at(ticket), { nodeName })).rejects.toMatchObject({ status: 404 });
  await expect(connect("/agent/v1/streams/nonsense?ticket=x", { nodeName })).rejects.toMatchObject({ status: 404 });
});

const entry = (fields: Record<string, string>): LogEntry => ({
  type: "ADDED",
  resource: "pods",
  namespace: "default",
  name: "p",
  uid: "u",
  revision: 7,
  form: "v1/1",
  labels: {},
  fields,
  value: '{"metadata":{"name":"p"}}',
});
const commit = (entries: LogEntry[]) =>
  plainFetch(new Request(`${base}/commit`, { method: "POST", body: JSON.stringify(entries) }));

test("a commit wakes the nodes it concerns", async () => {
  const [concerned, other] = [await agent(), await agent()];
  await commit([entry({ "spec.nodeName": concerned.nodeName })]);
  await vi.waitFor(() => expect(concerned.messages).toEqual([{ type: "wake", revision: 7 }]));
  expect(other.messages).toEqual([]);
});

test("a heartbeat that the runtime answered shows that the node lives", async () => {
  const { nodeName } = await agent();
  const seen = async () =>
    ((await (await plainFetch(new Request(`${base}/seen`))).json()) as Record<string, number>)[nodeName];
  const before = (await seen()) ?? 0;
  expect(before).toBeGreaterThan(0);
  const socket = await connect("/agent/v1/tunnel", { nodeName });
  socket.send("ping");
  expect((await next(socket)).toString()).toBe("pong");
  expect(await seen()).toBeGreaterThanOrEqual(before);
});

test("a second tunnel of a node replaces the first", async () => {
  const nodeName = `twice-${(nodes += 1)}`;
  const first = await connect("/agent/v1/tunnel", { nodeName });
  const closed = new Promise((resolve) => first.once("close", resolve));
  const second = await connect("/agent/v1/tunnel", { nodeName });
  expect(await closed).toBe(4001);
  const woken = next(second);
  await commit([entry({ "spec.nodeName": nodeName })]);
  expect(JSON.parse((await woken).toString())).toEqual({ type: "wake", revision: 7 });
});

const revoke = (revocation: Revocation) =>
  plainFetch(new Request(`${base}/revoke`, { method: "POST", body: JSON.stringify(revocation) }));
const ended = (socket: WebSocket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

test("a revoked credential ends the exec it opened on both sides, and opens no other; others go on", async () => {
  const doomed = await spliced("command=cat&credential=doomed");
  const other = await spliced("command=cat&credential=good");
  const both = [ended(doomed.client), ended(doomed.agentEnd)];
  await revoke({ credentials: ["doomed"] });
  await Promise.all(both);
  const again = connect(`/stream/${doomed.nodeName}?command=cat&credential=doomed`);
  await expect(again).rejects.toMatchObject({ status: 401 });
  other.agentEnd.send("still here");
  expect((await next(other.client)).toString()).toBe("still here");
  const rest = [ended(other.client), ended(other.agentEnd)];
  await revoke({ nodes: [other.nodeName] });
  await Promise.all(rest);
});

test("a revoked user's log ends, and one that still waits for its agent is refused", async () => {
  const { nodeName, opened } = await agent();
  const pending = plainFetch(new Request(`${base}/stream/${nodeName}?kind=log&follow=true&user=reader`));
  const { id, ticket } = await opened();
  const log = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("first\n")),
  });
  const sent = sendBody({
    url: `${base}/agent/v1/streams/${id}?ticket=${ticket}`,
    credential: nodeName,
    body: log,
    fetch: plainFetch,
    signal: new AbortController().signal,
  });
  const over = sent.then(
    () => "over",
    () => "over",
  );
  const reader = (await pending).body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first\n");
  const slow = await agent();
  const waiting = plainFetch(new Request(`${base}/stream/${slow.nodeName}?kind=log&user=reader`));
  await slow.opened();
  await revoke({ users: ["reader"] });
  const last = await reader?.read().catch(() => ({ done: true }));
  expect(last?.done).toBe(true);
  expect(await over).toBe("over");
  expect((await waiting).status).toBe(401);
});
