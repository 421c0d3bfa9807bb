/** Probes over real sockets. */
import { createServer, type Server } from "node:http";
import net from "node:net";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { createFakeEngine } from "../engines/fake/fake-engine.ts";
import { realClock, realTimers } from "../../test/harness/timers.ts";
import type { Container, Probe } from "../pods/pod.ts";
import { createRunProbe } from "./run-probe.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

const run = createRunProbe({ engine: createFakeEngine({ clock: realClock, timers: realTimers }) });
const probe = (handler: Probe, container: Partial<Container> = {}) =>
  run(handler, { container: { name: "app", ...container }, containerId: "c", podIp: "127.0.0.1" });

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  undo.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

function web(): Server {
  return createServer((request, response) => {
    if (request.url === "/slow") return;
    response.statusCode = request.url === "/bad" ? 500 : request.url === "/moved" ? 302 : 200;
    response.end(`${request.headers["user-agent"]} ${[request.headers["x-test"] ?? ""].flat().join()}`);
  });
}

test("httpGet: 200 to 399 is well, by port or by its name, with headers", async () => {
  const port = await listening(web());
  const httpHeaders = [{ name: "X-Test", value: "1" }];
  expect(await probe({ httpGet: { port, httpHeaders } })).toEqual({ success: true, message: "kube-probe/1.36 1" });
  const named = { ports: [{ name: "web", containerPort: port }] };
  expect(await probe({ httpGet: { port: "web", path: "/moved" } }, named)).toMatchObject({ success: true });
  expect(await probe({ httpGet: { port, path: "bad" } })).toEqual({
    success: false,
    message: "HTTP probe failed with statuscode: 500",
  });
});

test("httpGet: one that does not answer in time, or at all", async () => {
  const server = web();
  const port = await listening(server);
  undo.push(() => server.closeAllConnections());
  const slow = await probe({ httpGet: { port, path: "/slow" }, timeoutSeconds: 0.05 });
  expect(slow).toEqual({
    success: false,
    message: `Get "http://127.0.0.1:${port}/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
  });
  expect((await probe({ httpGet: { port: 1 } })).message).toBe(
    'Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused',
  );
});

test("tcpSocket: whether it can be connected", async () => {
  const port = await listening(net.createServer((socket) => socket.destroy()));
  expect((await probe({ tcpSocket: { port } })).success).toBe(true);
  expect(await probe({ tcpSocket: { port: 1 } })).toEqual({
    success: false,
    message: "dial tcp 127.0.0.1:1: connect: connection refused",
  });
});

test("grpc: the health service decides", async () => {
  const server = new GrpcServer();
  const health = new Map([
    ["", 1],
    ["sick", 2],
  ]);
  const method = {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => ({ service: bytes.subarray(2).toString() }),
    responseSerialize: (value: number) => Buffer.from([0x08, value]),
    responseDeserialize: (bytes: Buffer) => bytes[1] ?? 0,
  };
  server.addService(
    { check: method },
    {
      check(call: { request: { service: string } }, answer: (error: null, value: number) => void) {
        answer(null, health.get(call.request.service) ?? 0);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  undo.push(() => server.forceShutdown());
  expect(await probe({ grpc: { port } })).toEqual({ success: true, message: "service healthy" });
  expect(await probe({ grpc: { port, service: "sick" } })).toEqual({
    success: false,
    message: 'service unhealthy (responded with "NOT_SERVING")',
  });
  expect((await probe({ grpc: { port: 1 } })).message).toContain('failed to connect service "127.0.0.1:1" within 1s');
});
