/** exec, attach and logs from a client through the control plane to a container, over real sockets; only the container is made up. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StatusError } from "../../src/machinery/status-error.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import { startRelayServer, type RelayServer } from "../../src/platform/node/testing/relay-server.ts";
import { EngineError, type ExecRequest, type ExecSession } from "../engines/engine.ts";
import { createHttpsFetch } from "../https-fetch.ts";
import { openIdentity, type NodeIdentity } from "../join.ts";
import { openTunnel, type Tunnel } from "../tunnel.ts";
import type { LogOptions } from "./log.ts";
import { createStreamServer, type ContainerAt, type OpenMessage, type StreamServer } from "./stream-server.ts";

const platform = createNodePlatform({ level: "error" });
const MIB = 1024 * 1024;
let server: RelayServer;
let tunnel: Tunnel;
let streamServer: StreamServer;
let identity: NodeIdentity;
let fetch: ReturnType<typeof createHttpsFetch>["fetch"];
const cleanup: (() => unknown)[] = [];
/** What the next exec or attach gives. */
let nextSession: (request: Partial<ExecRequest>) => Promise<ExecSession>;
let openLog: (at: ContainerAt, options: LogOptions) => ReadableStream<Uint8Array>;

beforeEach(async () => {
  server = await startRelayServer(platform);
  const directory = await mkdtemp(join(tmpdir(), "gantry-streams-"));
  const https = createHttpsFetch({ ca: server.ca });
  ({ fetch } = https);
  identity = await openIdentity({
    server: server.url,
    nodeName: "n1",
    token: await server.token(),
    directory,
    fetch,
    platform,
  });
  const common = { server: server.url, credential: () => identity.credential(), ca: () => server.ca };
  streamServer = createStreamServer({
    ...common,
    fetch,
    log: platform.log,
    send: (message) => tunnel.send(message),
    engine: {
      exec: (request) => nextSession(request),
      attach: (request) => nextSession(request),
      portForward: async () => {
        throw new EngineError("refused", "no ports here");
      },
    },
    pods: {
      async findContainer({ container }) {
        if (container === "gone") throw new StatusError("NotFound", "container gone not found in pod p");
        return { id: "c1" };
      },
      openLog: async (at, options) => openLog(at, options),
      addressOf: () => "127.0.0.1",
      page: async () => ({ status: 200, type: "text/plain", body: "ok" }),
      async findSandbox({ uid }) {
        if (uid === "gone") throw new StatusError("NotFound", "no such pod");
        return { id: "s1" };
      },
    },
  });
  tunnel = openTunnel({
    ...common,
    platform,
    onMessage: (message) => void (message.type === "open" && streamServer.serve(message)),
    onUp: () => {},
    onDown: () => {},
  });
  await vi.waitFor(() => expect(tunnel.connected()).toBe(true));
  cleanup.push(
    () => rm(directory, { recursive: true, force: true }),
    () => server.stop(),
    () => https.close(),
    () => identity.stop(),
    () => tunnel.stop(),
    () => streamServer.stop(),
  );
});
afterEach(async () => {
  for (const undo of cleanup.splice(0).toReversed()) await undo();
});

/** `cat`: what comes in goes out; ends with its input. */
function cat(exitCode = 0): ExecSession & { closed: () => boolean; sizes: unknown[] } {
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const sizes: unknown[] = [];
  let closed = false;
  const { promise: exit, resolve: end } = Promise.withResolvers<{ exitCode: number }>();
  const writer = pipe.writable.getWriter();
  const stdin = new WritableStream<Uint8Array>({
    write: (bytes) => writer.write(bytes),
    async close() {
      await writer.close();
      end({ exitCode });
    },
  });
  return {
    stdin,
    stdout: pipe.readable,
    stderr: new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("to stderr"));
        controller.close();
      },
    }),
    resize: (size) => void sizes.push(size),
    exit,
    close: () => void (closed = true),
    closed: () => closed,
    sizes,
  };
}

function ended(outcome: Promise<{ exitCode: number }>): ExecSession {
  outcome.catch(() => {});
  return { stdin: undefined, stdout: empty(), stderr: empty(), resize: () => {}, exit: outcome, close: () => {} };
}

function empty(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

interface Client {
  socket: WebSocket;
  frames: Buffer[];
  send(channel: number, text: string): void;
  /** All bytes of a channel so far. */
  text(channel: number): string;
  closed: Promise<number>;
}

function execClient(query: string, protocol: string | null = "v5.channel.k8s.io"): Promise<Client> {
  const socket = new WebSocket(
    `${server.url.replace("https", "wss")}/stream/n1?kind=exec&${query}`,
    protocol === null ? [] : [protocol],
    { ca: server.ca },
  );
  const frames: Buffer[] = [];
  socket.on("message", (data: Buffer) => void frames.push(data));
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  cleanup.push(() => socket.terminate());
  const client: Client = {
    socket,
    frames,
    closed,
    send: (channel, text) => socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)])),
    text: (channel) =>
      Buffer.concat(frames.filter((frame) => frame[0] === channel).map((frame) => frame.subarray(1))).toString(),
  };
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(client));
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => reject(Object.assign(new Error(body), { status: response.statusCode })));
    });
  });
}

test("exec -i: stdin to its end, both outputs, success", async () => {
  const seen: Partial<ExecRequest>[] = [];
  nextSession = async (request) => {
    seen.push(request);
    return cat();
  };
  const client = await execClient("stdin=true&stdout=true&stderr=true&container=app&command=cat&command=-u");
  expect(client.socket.protocol).toBe("v5.channel.k8s.io");
  client.send(0, "hello ");
  client.send(0, "world");
  client.socket.send(Buffer.from([255, 0]));
  expect(await client.closed).toBe(1000);
  expect(client.text(1)).toBe("hello world");
  expect(client.text(2)).toBe("to stderr");
  expect(JSON.parse(client.text(3))).toEqual({ metadata: {}, status: "Success" });
  expect(client.frames[0]).toEqual(Buffer.from([1]));
  expect(seen).toEqual([{ containerId: "c1", command: ["cat", "-u"], stdin: true, tty: false }]);
});

test("the exit code arrives as kubectl reads it", async () => {
  nextSession = async () => ended(Promise.resolve({ exitCode: 3 }));
  const client = await execClient("stdout=true&command=false", "v4.channel.k8s.io");
  await client.closed;
  expect(JSON.parse(client.text(3))).toMatchObject({
    status: "Failure",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "3" }] },
  });
});

test("a process whose end is not known is an internal error on the error channel", async () => {
  nextSession = async () => ended(Promise.reject(new EngineError("internal", "no such file or directory: nope")));
  const client = await execClient("stdout=true&command=nope");
  await client.closed;
  expect(JSON.parse(client.text(3))).toMatchObject({ status: "Failure", reason: "InternalError", code: 500 });
  expect(client.text(3)).toContain("no such file or directory: nope");
});

test("the oldest protocol, with and without its name, tells errors as text and success not at all", async () => {
  for (const protocol of ["channel.k8s.io", null]) {
    nextSession = async () => ended(Promise.resolve({ exitCode: 7 }));
    const failing = await execClient("stdout=true&command=x", protocol);
    await failing.closed;
    expect(failing.text(3)).toContain("exit code 7");
    nextSession = async () => ended(Promise.resolve({ exitCode: 0 }));
    const fine = await execClient("stdout=true&command=x", protocol);
    await fine.closed;
    expect(fine.text(3)).toBe("");
  }
});

test("base64 channels for browsers", async () => {
  nextSession = async () => cat();
  const client = await execClient("stdin=true&stdout=true&command=cat", "v4.base64.channel.k8s.io");
  client.socket.send(`0${Buffer.from("höhö").toString("base64")}`);
  const last = () => client.frames.at(-1)?.toString() ?? "";
  await vi.waitFor(() => expect(last()).toBe(`1${Buffer.from("höhö").toString("base64")}`));
});

test("attach to a terminal: one output, and its size", async () => {
  const session = cat();
  const seen: Partial<ExecRequest>[] = [];
  nextSession = async (request) => {
    seen.push(request);
    return session;
  };
  const client = await execClient("kind2=&stdin=true&stdout=true&stderr=true&tty=true&command=sh");
  client.send(4, JSON.stringify({ Width: 120, Height: 40 }));
  client.send(4, "{not json");
  await vi.waitFor(() => expect(session.sizes).toEqual([{ columns: 120, rows: 40 }]));
  expect(seen[0]?.tty).toBe(true);
  expect(client.text(2)).toBe("");
});

test("a client that goes away ends the session", async () => {
  const session = cat();
  nextSession = async () => session;
  const client = await execClient("stdin=true&stdout=true&command=cat");
  client.socket.terminate();
  await vi.waitFor(() => expect(session.closed()).toBe(true));
});

test("an agent that stops ends the client's stream", async () => {
  nextSession = async () => cat();
  const client = await execClient("stdin=true&stdout=true&command=cat");
  streamServer.stop();
  expect(await client.closed).toBe(1001);
});

test("what the agent refuses is an ordinary HTTP error with a Status", async () => {
  const refused = execClient("container=gone&command=ls");
  await expect(refused).rejects.toMatchObject({ status: 404 });
  await refused.catch((error: Error) =>
    expect(JSON.parse(error.message)).toMatchObject({ kind: "Status", message: "container gone not found in pod p" }),
  );
  nextSession = () => Promise.reject(new EngineError("unavailable", "containerd is down"));
  await expect(execClient("command=ls")).rejects.toMatchObject({ status: 500 });
});

test("exec without an upgrade is refused, not left hanging", async () => {
  const response = await fetch(new Request(`${server.url}/stream/n1?kind=exec&command=ls`, { method: "POST" }));
  expect([response.status, await response.json()]).toMatchObject([400, { message: "Upgrade request required" }]);
});

test("a node without a tunnel is a 503", async () => {
  tunnel.stop();
  // What was seen of it stays known; only streams can no longer be opened.
  await vi.waitFor(() => expect(tunnel.connected()).toBe(false));
  await expect(execClient("command=ls")).rejects.toMatchObject({ status: 503 });
});

test("nobody can dial a stream without its ticket, and nobody twice", async () => {
  const opened: OpenMessage[] = [];
  const real = streamServer;
  streamServer = { ...real, serve: (message) => void opened.push(message) };
  nextSession = async () => cat();
  const waiting = execClient("stdin=true&stdout=true&command=cat");
  await vi.waitFor(() => expect(opened).toHaveLength(1));
  const [message] = opened;
  if (!message) throw new Error("nothing was opened");
  const { id, ticket } = message;
  const attempt = async (ticketOf: string, credential: string) => {
    const headers = { authorization: `Bearer ${credential}` };
    const url = `${server.url}/agent/v1/streams/${id}?ticket=${ticketOf}`;
    return (await fetch(new Request(url, { method: "POST", headers, body: "x" }))).status;
  };
  expect(await attempt(ticket, "")).toBe(401);
  expect(await attempt("wrong", identity.credential())).toBe(403);
  // The right ticket for the wrong kind of dial does not use it up.
  expect(await attempt(ticket, identity.credential())).toBe(400);
  real.serve(message);
  await waiting;
  expect(await attempt(ticket, identity.credential())).toBe(404);
});

test("a client that does not read stops the process", async () => {
  const chunk = new Uint8Array(64 * 1024);
  let written = 0;
  nextSession = async () => ({
    ...ended(new Promise(() => {})),
    stdout: new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          written += chunk.length;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    ),
  });
  const client = await execClient("stdout=true&command=yes");
  client.socket.pause();
  const standsStill = async () => {
    for (let last = -1; last !== written;) {
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };
  await standsStill();
  const stalledAt = written;
  // The kernel's socket buffers hold a few MiB; what the processes hold is bounded by their marks.
  expect(stalledAt).toBeLessThan(64 * MIB);
  client.socket.resume();
  await vi.waitFor(() => expect(written).toBeGreaterThan(stalledAt + 16 * MIB), { timeout: 10_000 });
});

test("a process that does not read stops the client", async () => {
  let taken = 0;
  const gate: { open: () => void } = { open: () => {} };
  const opened = new Promise<void>((resolve) => (gate.open = resolve));
  nextSession = async () => ({
    ...ended(new Promise(() => {})),
    stdin: new WritableStream<Uint8Array>({
      async write(bytes) {
        await opened;
        taken += bytes.length;
      },
    }),
  });
  const client = await execClient("stdin=true&stdout=true&command=sleep");
  const total = 64 * MIB;
  for (let sent = 0; sent < total; sent += MIB) client.send(0, "x".repeat(MIB));
  const buffered = () => client.socket.bufferedAmount;
  for (let last = -1; last !== buffered();) {
    last = buffered();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(buffered()).toBeGreaterThan(total / 2);
  gate.open();
  await vi.waitFor(() => expect(taken).toBe(total), { timeout: 15_000 });
});

const logRequest = (query: string, signal?: AbortSignal) =>
  new Request(`${server.url}/stream/n1?kind=log&${query}`, signal ? { signal } : {});

test("logs are the response's body, with the options asked for", async () => {
  const seen: [ContainerAt, LogOptions][] = [];
  openLog = (...call) => {
    seen.push(call);
    return new Blob(["line 1\nline 2\n"]).stream();
  };
  const response = await fetch(logRequest("container=app&tailLines=2&timestamps=true&sinceSeconds=60"));
  expect(response.headers.get("content-type")).toBe("text/plain");
  expect(await response.text()).toBe("line 1\nline 2\n");
  expect(seen).toEqual([
    [
      { namespace: "default", pod: "p", uid: "u", container: "app" },
      { follow: false, previous: false, timestamps: true, tailLines: 2, sinceSeconds: 60 },
    ],
  ]);
});

test("logs -f: lines arrive while they are written, and a client that leaves ends the reading", async () => {
  let line: ((text: string) => void) | undefined;
  let cancelled = false;
  openLog = () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => void (line = (text) => controller.enqueue(new TextEncoder().encode(text))),
      cancel: () => void (cancelled = true),
    });
  const leave = new AbortController();
  // Before the first line: a client that follows must know that it is connected.
  const reader = (await fetch(logRequest("follow=true", leave.signal))).body?.getReader();
  line?.("first\n");
  const next = async () => new TextDecoder().decode((await reader?.read())?.value);
  expect(await next()).toBe("first\n");
  line?.("second\n");
  expect(await next()).toBe("second\n");
  leave.abort();
  await vi.waitFor(() => expect(cancelled).toBe(true), { timeout: 5000 });
});

test("a log that cannot be read is refused before the body begins", async () => {
  openLog = () => {
    throw new StatusError("BadRequest", 'container "c" in pod "p" is waiting to start: ContainerCreating');
  };
  const response = await fetch(logRequest("container=c"));
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ reason: "BadRequest", message: /waiting to start/ });
});

test("a revoked credential ends the exec it opened, what waits for its agent, and what it opens next; others go on", async () => {
  const session = cat();
  nextSession = async () => session;
  const query = "stdin=true&stdout=true&container=app&command=cat";
  const doomed = await execClient(`${query}&credential=doomed`);
  nextSession = async () => cat();
  const other = await execClient(`${query}&credential=good`);
  nextSession = () => new Promise(() => {});
  server.broker.revoke({ credentials: ["doomed"] });
  expect(await doomed.closed).toBe(1008);
  await vi.waitFor(() => expect(session.closed()).toBe(true));
  await expect(execClient(`${query}&credential=doomed`)).rejects.toMatchObject({ status: 401 });
  other.send(0, "still here");
  await vi.waitFor(() => expect(other.text(1)).toBe("still here"));
  // What a node serves ends with the node, whoever opened it; nobody is the worse for it.
  server.broker.revoke({ nodes: ["n1"] });
  expect(await other.closed).toBe(1008);
  nextSession = async () => cat();
  expect((await execClient(`${query}&credential=good`)).socket.readyState).toBe(WebSocket.OPEN);
});

test("a revoked credential ends the log it follows, and the agent stops reading", async () => {
  let cancelled = false;
  openLog = () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("first\n")),
      cancel: () => void (cancelled = true),
    });
  const url = `${server.url}/stream/n1?kind=log&container=app&follow=true&credential=doomed`;
  const reader = (await fetch(new Request(url))).body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first\n");
  server.broker.revoke({ credentials: ["doomed"] });
  expect((await reader?.read())?.done).toBe(true);
  await vi.waitFor(() => expect(cancelled).toBe(true));
});
