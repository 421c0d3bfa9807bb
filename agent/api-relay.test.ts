/** A pod's way to the API: TLS under the cluster's name, everything else as it came. */
import { request as httpsRequest } from "node:https";
import { WebSocket } from "ws";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createNodePlatform } from "../src/platform/node/platform.ts";
import { startRelayServer, type RelayServer } from "../src/platform/node/testing/relay-server.ts";
import { generateKeyPairSync } from "node:crypto";
import { startApiRelay, type ApiRelay } from "./api-relay.ts";
import { createHttpsFetch, type HttpsFetch } from "./https-fetch.ts";

const platform = createNodePlatform({ level: "error" });
let server: RelayServer;
let relay: ApiRelay;
let pod: HttpsFetch;
let base: string;

async function certificate() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = await crypto.subtle.importKey(
    "spki",
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["verify"],
  );
  const issue = (serial: string) =>
    server.keys.issueServingCertificate({
      commonName: serial,
      dnsNames: ["kubernetes.default.svc"],
      ipAddresses: ["127.0.0.1"],
      publicKey: key,
      notBeforeMs: Date.now() - 60_000,
      notAfterMs: Date.now() + 3_600_000,
    });
  return { keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string, issue };
}

let issue: (serial: string) => Promise<string>;

beforeEach(async () => {
  server = await startRelayServer(platform);
  const made = await certificate();
  ({ issue } = made);
  relay = await startApiRelay({
    host: "127.0.0.1",
    port: 0,
    keyPem: made.keyPem,
    certificatePem: await issue("first"),
    server: server.url,
    ca: () => server.ca,
    log: platform.log,
  });
  base = `https://127.0.0.1:${relay.port}`;
  pod = createHttpsFetch({ ca: server.ca });
});
afterEach(async () => {
  pod.close();
  await relay.stop();
  await server.stop();
});

test("a pod that knows only the cluster's CA and the Service's name gets through, with its own token", async () => {
  server.handle(async (request) =>
    Response.json({
      method: request.method,
      url: new URL(request.url).pathname + new URL(request.url).search,
      authorization: request.headers.get("authorization"),
      body: await request.text(),
    }),
  );
  const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const request = httpsRequest(
      {
        host: "127.0.0.1",
        port: relay.port,
        servername: "kubernetes.default.svc",
        ca: server.ca,
        agent: false,
        path: "/api/v1/namespaces/a/pods?limit=1",
        method: "POST",
        headers: { host: "kubernetes.default.svc", authorization: "Bearer pods-own" },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode, text }));
      },
    );
    request.on("error", reject);
    request.end("{}");
  });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toEqual({
    method: "POST",
    url: "/api/v1/namespaces/a/pods?limit=1",
    authorization: "Bearer pods-own",
    body: "{}",
  });
});

test("errors, headers and bodies of DELETE come through as they are", async () => {
  server.handle(
    async (request) =>
      new Response(await request.text(), { status: 409, headers: { "audit-id": "7", warning: '299 - "w"' } }),
  );
  const response = await pod.fetch(new Request(`${base}/x`, { method: "DELETE", body: "precondition" }));
  expect(response.status).toBe(409);
  expect(response.headers.get("audit-id")).toBe("7");
  expect(response.headers.get("warning")).toBe('299 - "w"');
  expect(await response.text()).toBe("precondition");
});

test("a watch streams: head before the first event, each event at once, and the end of the pod ends it", async () => {
  let event: ((text: string) => void) | undefined;
  let cancelled = false;
  server.handle(
    async () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (controller) => void (event = (text) => controller.enqueue(new TextEncoder().encode(text))),
          cancel: () => void (cancelled = true),
        }),
      ),
  );
  const leave = new AbortController();
  const reader = (await pod.fetch(new Request(`${base}/watch`, { signal: leave.signal }))).body?.getReader();
  for (const text of ["one\n", "two\n"]) {
    event?.(text);
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(text);
  }
  leave.abort();
  await vi.waitFor(() => expect(cancelled).toBe(true));
});

test("an upgrade is spliced through, with a subprotocol that is no token", async () => {
  const protocol = "SPDY/3.1+portforward.k8s.io";
  server.handle(async () =>
    server.upgrades.accept({
      subprotocol: protocol,
      connected: (socket) => socket.on("message", (data: Buffer) => socket.send(data)),
      failed: () => {},
    }),
  );
  const reply = await new Promise<{ protocol: string | undefined; first: string }>((resolve, reject) => {
    const request = httpsRequest({
      host: "127.0.0.1",
      port: relay.port,
      ca: server.ca,
      agent: false,
      path: "/portforward",
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "sec-websocket-protocol": protocol,
      },
    });
    request.on("upgrade", (response, socket) => {
      // A masked text frame with the mask 0: "hi".
      socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
      socket.once("data", (data: Buffer) => {
        socket.destroy();
        resolve({ protocol: response.headers["sec-websocket-protocol"], first: data.subarray(2).toString() });
      });
    });
    request.on("response", (response) => reject(new Error(`refused: ${response.statusCode}`)));
    request.on("error", reject);
    request.end();
  });
  expect(reply).toEqual({ protocol, first: "hi" });
});

test("a refused upgrade is an ordinary answer", async () => {
  server.handle(async () => Response.json({ message: "no" }, { status: 403 }));
  const socket = new WebSocket(`${base.replace("https", "wss")}/exec`, { ca: server.ca });
  const [status, body] = await new Promise<[number | undefined, string]>((resolve, reject) => {
    socket.on("unexpected-response", (_request, response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve([response.statusCode, text]));
    });
    socket.on("open", () => reject(new Error("it was accepted")));
    socket.on("error", () => {});
  });
  expect([status, body]).toEqual([403, '{"message":"no"}']);
});

test("an unreachable control plane is a 503 Status, not a broken connection", async () => {
  await server.stop();
  const response = await pod.fetch(new Request(`${base}/api`));
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ kind: "Status", reason: "ServiceUnavailable" });
  server = await startRelayServer(platform);
});

test("a renewed certificate is served to the next connection", async () => {
  server.handle(async () => new Response("ok"));
  relay.renew(await issue("second"));
  const subject = await new Promise((resolve, reject) => {
    const request = httpsRequest({ host: "127.0.0.1", port: relay.port, ca: server.ca, agent: false }, (response) => {
      const socket = response.socket as import("node:tls").TLSSocket;
      response.resume();
      resolve(socket.getPeerCertificate().subject.CN);
    });
    request.on("error", reject);
    request.end();
  });
  expect(subject).toBe("second");
});
