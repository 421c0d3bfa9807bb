/** A client's request through the control plane to a server in a pod: real sockets all the way. For the broker of every runtime. */
import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as createTlsServer, request as httpsRequest } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Readable, type Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Fetch } from "../../src/client/client.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../src/cluster.ts";
import { StatusError } from "../../src/machinery/status-error.ts";
import { loadClusterKeys } from "../../src/pki/load-cluster-keys.ts";
import { issueServerIdentity } from "../../src/pki/server-identity.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import type { ProxyRequest } from "../../src/relay/protocol.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { EngineError } from "../engines/engine.ts";
import { openTunnel, type Tunnel } from "../tunnel.ts";
import { createStreamServer, type StreamServer } from "./stream-server.ts";
import { memorySettings } from "../../test/harness/memory-settings.ts";

const MIB = 1024 * 1024;
const platform = createNodePlatform({ level: "error" });

export interface ProxyRelay {
  /** Clients reach nodes at `/stream/<node>?kind=proxy&proxy=<JSON>`. */
  url: string;
  ca: string | undefined;
  nodeName: string;
  credential: string;
  fetch: Fetch;
  /**
   * Of a body that nobody reads, what the server takes all the same once it has answered. A server that has not read everything when it
   * closes resets the connection, and the answer may be lost on its way (RFC 9112, 9.6).
   */
  unreadBytesMax: number;
  stop(): Promise<void>;
}

const none = async () => {
  throw new EngineError("refused", "there is no engine");
};

const messageOf = async (answer: IncomingMessage) =>
  [answer.statusCode, (JSON.parse(await text(answer)) as { message: string }).message] as const;

/** What is answered instead of an upgrade. */
async function refused(socket: WebSocket): Promise<readonly [number | undefined, string]> {
  socket.on("error", () => undefined);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  return [response.statusCode, await text(response)];
}

export function proxySuite(start: () => Promise<ProxyRelay>): void {
  let relay: ProxyRelay;
  let tunnel: Tunnel;
  let streams: StreamServer;
  let stopsAtOnce = false;
  const cleanup: (() => unknown)[] = [];

  const common = () => ({ server: relay.url, credential: () => relay.credential, ca: () => relay.ca });

  function startStreams(): StreamServer {
    return createStreamServer({
      ...common(),
      fetch: relay.fetch,
      log: platform.log,
      send: (message) => tunnel.send(message),
      engine: { exec: none, attach: none, portForward: none },
      pods: {
        findContainer: none,
        openLog: none,
        findSandbox: none,
        addressOf({ uid }) {
          if (uid === "gone") throw new StatusError("NotFound", 'pod "p" does not run');
          return "127.0.0.1";
        },
        page: async ({ path }) => ({ status: path === "/healthz" ? 200 : 404, type: "text/plain", body: "ok" }),
      },
    });
  }

  beforeAll(async () => {
    relay = await start();
    streams = startStreams();
    tunnel = openTunnel({
      ...common(),
      platform,
      onMessage: (message) => {
        if (message.type === "open") streams.serve(message);
        if (stopsAtOnce) streams.stop();
      },
      onUp: () => {},
      onDown: () => {},
    });
    await eventually(() => expect(tunnel.connected()).toBe(true), { withinMs: 10_000 });
  }, 60_000);
  afterEach(async () => {
    for (const undo of cleanup.splice(0).toReversed()) await undo();
  });
  afterAll(async () => {
    streams.stop();
    tunnel.stop();
    await relay.stop();
  });

  /** A server in the pod. `open` are its connections. */
  async function pod(listener: RequestListener): Promise<{ port: number; open: Set<Duplex>; server: Server }> {
    const server = createServer(listener);
    const open = new Set<Duplex>();
    server.on("connection", (socket: Socket) => {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => open.delete(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanup.push(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, open, server };
  }

  function target(proxy: Partial<ProxyRequest>, uid = "u"): string {
    const whole: ProxyRequest = {
      scheme: "http",
      address: "127.0.0.1",
      method: "GET",
      path: "/",
      headers: [["host", "api.test"]],
      hasBody: false,
      prefix: "/pre",
      ...proxy,
    };
    const query = new URLSearchParams({ kind: "proxy", uid, proxy: JSON.stringify(whole) });
    return `${relay.url}/stream/${relay.nodeName}?${query}`;
  }

  interface Sent {
    body?: Readable;
    uid?: string;
    /** As most clients do: who asks for the connection to be closed is not read to the end. */
    keepsAlive?: boolean;
  }

  function send(proxy: Partial<ProxyRequest>, { body, uid, keepsAlive = false }: Sent = {}) {
    const ask = relay.url.startsWith("https:") ? httpsRequest : httpRequest;
    const options = {
      method: proxy.method ?? "GET",
      agent: false,
      ...(keepsAlive ? { headers: { connection: "keep-alive" } } : {}),
      ...(relay.ca === undefined ? {} : { ca: relay.ca }),
    };
    const asked = ask(target({ ...proxy, hasBody: body !== undefined }, uid), options);
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once("response", resolve);
      asked.on("error", reject);
    });
    answer.catch(() => undefined);
    if (body === undefined) asked.end();
    else body.pipe(asked);
    cleanup.push(() => asked.destroy());
    return { asked, answer };
  }

  const ask = (proxy: Partial<ProxyRequest>, more: Sent = {}) => send(proxy, more).answer;

  /** Asked with a body that nobody will read; its end comes after the answer. Resolves with "cut" where the connection breaks instead. */
  async function askUnread(proxy: Partial<ProxyRequest>, { bytes, uid }: { bytes: number; uid?: string }) {
    const answered = Promise.withResolvers<void>();
    const body = Readable.from(
      (async function* () {
        for (let left = bytes; left > 0; left -= MIB) yield Buffer.alloc(Math.min(left, MIB));
        await answered.promise;
      })(),
    );
    body.on("error", () => undefined);
    cleanup.push(() => body.destroy());
    try {
      const answer = await ask(proxy, { body, keepsAlive: true, ...(uid === undefined ? {} : { uid }) });
      answered.resolve();
      return [answer.statusCode, await text(answer)] as const;
    } catch (error) {
      expect((error as { code?: string }).code).toMatch(/^(EPIPE|ECONNRESET)$/);
      return "cut" as const;
    }
  }

  async function socketPod(options: { protocol?: string } = {}) {
    const made = await pod((_request, response) => void response.writeHead(404).end("no page"));
    const sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: () => options.protocol ?? false,
    });
    made.server.on("upgrade", (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on("message", (data: Buffer, binary) => webSocket.send(data, { binary }));
        webSocket.send(`hello from ${request.url ?? ""}`);
      }),
    );
    return { ...made, sockets };
  }

  function connect(proxy: Partial<ProxyRequest>, subprotocols: string[] = []): WebSocket {
    const url = target({ path: "/ws", upgrade: { subprotocols }, ...proxy }).replace(/^http/, "ws");
    const socket = new WebSocket(url, subprotocols, relay.ca === undefined ? {} : { ca: relay.ca });
    cleanup.push(() => socket.terminate());
    return socket;
  }

  describe("requests", () => {
    test("method, path, headers and both bodies arrive as they were sent", async () => {
      let seen: IncomingMessage | undefined;
      const { port } = await pod(async (request, response) => {
        seen = request;
        response.writeHead(
          201,
          "Made",
          [
            ["Content-Type", "text/x-own"],
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
            ["Connection", "X-Hop"],
            ["X-Hop", "1"],
          ].flat(),
        );
        response.end(`got ${(await buffer(request)).toString()}`);
      });
      const body = Readable.from([Buffer.from("hello "), Buffer.from("wörld")]);
      const headers: ProxyRequest["headers"] = [
        ["host", "api.test"],
        ["x-own", "1"],
      ];
      const answer = await ask({ port, method: "PUT", path: "/a%20b?c=d", headers }, { body });
      expect(answer.statusCode).toBe(201);
      expect(answer.headers).toMatchObject({ "content-type": "text/x-own", "set-cookie": ["a=1", "b=2"] });
      expect(answer.headers["x-hop"]).toBeUndefined();
      expect(await text(answer)).toBe("got hello wörld");
      expect(seen).toMatchObject({ method: "PUT", url: "/a%20b?c=d" });
      expect(seen?.headers).toMatchObject({ host: "api.test", "x-own": "1" });
      expect(seen?.headers.authorization).toBeUndefined();
    });

    test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s without a body", async (method) => {
      const { port } = await pod((request, response) => void response.end(request.method));
      expect(await text(await ask({ port, method }))).toBe(method);
    });

    test("HEAD, and answers that have no body", async () => {
      const { port } = await pod((request, response) => {
        response.statusCode = Number(request.url?.slice(1));
        response.setHeader("x-own", "1");
        response.end(request.method === "HEAD" ? undefined : "");
      });
      for (const [method, status] of [
        ["HEAD", 200],
        ["GET", 204],
        ["GET", 304],
        ["GET", 404],
        ["GET", 500],
      ] as const) {
        const answer = await ask({ port, method, path: `/${status}` });
        expect([answer.statusCode, answer.headers["x-own"], await text(answer)]).toEqual([status, "1", ""]);
      }
    });

    test("a pod that answers before it has read everything", async () => {
      const { port } = await pod((_request, response) => void response.writeHead(413).end("no"));
      const asked = { port, method: "POST" };
      expect(await askUnread(asked, { bytes: Math.min(relay.unreadBytesMax, 4 * MIB) })).toEqual([413, "no"]);
      const cut = relay.unreadBytesMax < 4 * MIB ? ["cut"] : [];
      expect([[413, "no"], ...cut]).toContainEqual(await askUnread(asked, { bytes: 4 * MIB }));
    });

    test("an answer arrives while it is made", async () => {
      let more: ((chunk: string) => void) | undefined;
      const { port } = await pod((_request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.flushHeaders();
        more = (chunk) => void response.write(chunk);
      });
      const answer = await ask({ port });
      answer.setEncoding("utf8");
      for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
        const arrived = once(answer, "data");
        more?.(event);
        expect(await arrived).toEqual([event]);
      }
    });

    test("a pod with a certificate that nobody knows", async () => {
      const { clock, random } = platform;
      const keys = await loadClusterKeys({ settings: memorySettings(), masterKey: new Uint8Array(32), clock, random });
      const cluster = { ...DEFAULT_CLUSTER_CONFIG, serverUrl: "", issuer: "https://gantry.test", adminTokenHashes: [] };
      const { keyPem: key, certificatePem: cert } = await issueServerIdentity({ keys, clock, cluster });
      const server = createTlsServer({ key, cert }, (_request, response) => void response.end("over TLS"));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      cleanup.push(() => server.close());
      const { port } = server.address() as AddressInfo;
      expect(await text(await ask({ port, scheme: "https" }))).toBe("over TLS");
      expect((await ask({ port })).statusCode).toBe(503);
    });

    test("8 MB each way, whole", async () => {
      const { port } = await pod((request, response) => void request.pipe(response));
      const body = Readable.from(
        (function* () {
          for (let i = 0; i < 128; i++) yield Buffer.alloc(64 * 1024, i);
        })(),
      );
      const echoed = await buffer(await ask({ port, method: "POST" }, { body }));
      expect(echoed.length).toBe(8 * MIB);
      for (let i = 0; i < 128; i++) expect(echoed[i * 64 * 1024 + 5]).toBe(i);
    }, 60_000);
  });

  describe("links", () => {
    test("of a page, also of one that is compressed, and of a redirect", async () => {
      const page = '<a href="/x">';
      const { port } = await pod((request, response) => {
        if (request.url === "/redirect") return response.writeHead(302, { location: "/x?y" }).end();
        const packed = request.url === "/packed";
        const bytes = packed ? gzipSync(page) : Buffer.from(page);
        response.writeHead(200, {
          "content-type": "text/html; charset=utf-8",
          "content-length": bytes.length,
          ...(packed ? { "content-encoding": "gzip" } : {}),
        });
        return response.end(bytes);
      });
      expect(await text(await ask({ port }))).toBe('<a href="/pre/x">');
      const packed = await ask({ port, path: "/packed" });
      expect(packed.headers["content-encoding"]).toBe("gzip");
      expect(gunzipSync(await buffer(packed)).toString()).toBe('<a href="/pre/x">');
      const redirect = await ask({ port, path: "/redirect" });
      expect([redirect.statusCode, redirect.headers.location]).toEqual([302, "/pre/x?y"]);
    });
  });

  describe("unhappy ends", () => {
    test("nobody listens, and the pod is not there", async () => {
      const { port, server } = await pod(() => undefined);
      server.close();
      await once(server, "close");
      expect(await messageOf(await ask({ port }))).toEqual([
        503,
        `error trying to reach service: dial tcp 127.0.0.1:${port}: connect: connection refused`,
      ]);
      expect(await messageOf(await ask({ port }, { uid: "gone" }))).toEqual([
        503,
        'error trying to reach service: pod "p" does not run',
      ]);
    });

    test("a request with a body to a pod that is not there", async () => {
      const asked = { port: 80, method: "POST" };
      const small = await askUnread(asked, { bytes: Math.min(relay.unreadBytesMax, 16 * MIB), uid: "gone" });
      expect(small[0]).toBe(503);
      const large = await askUnread(asked, { bytes: 16 * MIB, uid: "gone" });
      if (large !== "cut" || relay.unreadBytesMax >= 16 * MIB) expect(large[0]).toBe(503);
      // Another one finds the agent as it was.
      expect(await text(await ask({ path: "/healthz" }))).toBe("ok");
    });

    test("a pod that speaks something else", async () => {
      const { port, server } = await pod(() => undefined);
      server.removeAllListeners("connection");
      server.on("connection", (socket: Socket) => void socket.end("SSH-2.0-OpenSSH\r\n"));
      expect((await ask({ port })).statusCode).toBe(503);
    });

    test("a pod that breaks off: the client does not take it for the end", async () => {
      const { port } = await pod((_request, response) => {
        response.writeHead(200, { "content-length": 1000 });
        response.write("half");
        setTimeout(() => response.destroy(), 50);
      });
      const answer = await ask({ port });
      await expect(text(answer)).rejects.toThrow();
    });

    test("a client that leaves in the middle of the answer ends the pod's work", async () => {
      const { port, open } = await pod((_request, response) => {
        const timer = setInterval(() => response.write("x".repeat(1000)), 5);
        response.once("close", () => clearInterval(timer));
      });
      const { asked, answer } = send({ port });
      await once(await answer, "data");
      asked.destroy();
      await eventually(() => expect(open.size).toBe(0), { withinMs: 10_000, everyMs: 20 });
    });

    test("a client that leaves before the pod has answered ends the pod's work", async () => {
      const { port, open } = await pod(() => undefined);
      const { asked } = send({ port });
      await eventually(() => expect(open.size).toBe(1), { withinMs: 10_000, everyMs: 20 });
      // While workerd has nothing to write it sees a client go only if the connection is reset, which TLS here cannot do.
      if (relay.url.startsWith("https:")) asked.destroy();
      else asked.socket?.resetAndDestroy();
      await eventually(() => expect(open.size).toBe(0), { withinMs: 10_000, everyMs: 20 });
    });

    test("a client that does not read stops the pod", async () => {
      let sent = 0;
      const { port } = await pod((_request, response) => {
        const chunk = Buffer.alloc(MIB);
        const more = () => {
          while (sent < 512 * MIB && !response.destroyed) {
            sent += chunk.length;
            if (!response.write(chunk)) return;
          }
        };
        response.on("drain", more);
        more();
      });
      const answer = await ask({ port });
      answer.pause();
      let before = -1;
      await eventually(
        () => {
          const grown = sent !== before;
          before = sent;
          expect(grown).toBe(false);
        },
        { everyMs: 500 },
      );
      expect(sent).toBeLessThan(128 * MIB);
    }, 90_000);
  });

  describe("WebSockets", () => {
    test("messages of both kinds both ways, the pod's subprotocol, and how it ended", async () => {
      const { port, sockets } = await socketPod({ protocol: "v2.chat" });
      const socket = connect({ port, path: "/ws?a=b" }, ["v1.chat", "v2.chat"]);
      const [first] = (await once(socket, "message")) as [Buffer];
      expect(first.toString()).toBe("hello from /ws?a=b");
      expect(socket.protocol).toBe("v2.chat");
      socket.send("text");
      expect((await once(socket, "message")).map(String)).toEqual(["text", "false"]);
      socket.send(Buffer.alloc(100_000, 7));
      const [bytes, binary] = (await once(socket, "message")) as [Buffer, boolean];
      expect([bytes.length, bytes[99_999], binary]).toEqual([100_000, 7, true]);
      for (const one of sockets.clients) one.close(4001, "enough");
      expect((await once(socket, "close")).map(String)).toEqual(["4001", "enough"]);
    });

    test("without a subprotocol, and a client that leaves", async () => {
      const { port, open } = await socketPod();
      const socket = connect({ port });
      await once(socket, "message");
      expect(socket.protocol).toBe("");
      socket.terminate();
      await eventually(() => expect(open.size).toBe(0), { withinMs: 10_000, everyMs: 20 });
    });

    test("an answer that is a failure is passed on, and nothing of the connection is left", async () => {
      const { port, open, server } = await pod(() => undefined);
      server.on("upgrade", (_request, socket: Duplex) => {
        // It stays for as long as the other side does.
        socket.once("end", () => socket.destroy()).resume();
        socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Own: 1\r\n\r\nno!!");
      });
      expect(await refused(connect({ port }))).toEqual([403, "no!!"]);
      await eventually(() => expect(open.size).toBe(0), { withinMs: 10_000, everyMs: 20 });
    });

    test("an answer that is neither an upgrade nor a failure ends the connection to the pod (CVE-2018-1002105)", async () => {
      let heard = "";
      const { port, open, server } = await pod(() => undefined);
      server.on("upgrade", (_request, socket: Duplex) => {
        socket.once("end", () => socket.destroy());
        socket.on("data", (bytes: Buffer) => (heard += bytes.toString()));
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      });
      const [status, body] = await refused(connect({ port }));
      expect(status).toBe(500);
      expect(body).toContain("invalid upgrade response: status code 200");
      await eventually(() => expect(open.size).toBe(0), { withinMs: 10_000, everyMs: 20 });
      expect(heard).toBe("");
    });

    test("nobody listens", async () => {
      const { port, server } = await pod(() => undefined);
      server.close();
      await once(server, "close");
      const [status, body] = await refused(connect({ port }));
      expect(status).toBe(503);
      expect(body).toContain("error dialing backend");
    });
  });

  test("an agent that goes away before it has dialled is not waited for", async () => {
    const { port } = await pod(() => undefined);
    stopsAtOnce = true;
    const answer = messageOf(await ask({ port }));
    stopsAtOnce = false;
    expect(await answer).toEqual([503, "error trying to reach service: the node hung up"]);
    streams = startStreams();
  });

  test("an agent that goes away while its pod thinks", async () => {
    const { port, open } = await pod(() => undefined);
    const waiting = ask({ port });
    await eventually(() => expect(open.size).toBe(1), { withinMs: 10_000, everyMs: 20 });
    streams.stop();
    expect(await messageOf(await waiting)).toEqual([503, "error trying to reach service: the node hung up"]);
    await eventually(() => expect(open.size).toBe(0), { withinMs: 10_000, everyMs: 20 });
    streams = startStreams();
  });

  test("the node itself, where no port is named", async () => {
    expect(await text(await ask({ path: "/healthz" }))).toBe("ok");
    expect((await ask({ path: "/logs/?x" })).statusCode).toBe(404);
  });
}
