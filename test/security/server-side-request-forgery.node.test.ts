/**
 * The node's half of a proxied request: it dials an address that it knows, follows no redirect, and looks up no name. A name that leads
 * elsewhere when it is asked a second time (DNS rebinding) has no second time here, nor a first.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import dns from "node:dns";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { askPort } from "../../agent/streams/proxy.ts";
import { askSocket } from "../../agent/streams/proxy-socket.ts";
import { ownAddress } from "../../agent/streams/serve-proxy.ts";
import type { ProxyRequest } from "../../src/relay/protocol.ts";

const servers: Server[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) server.close();
});

/** Its port, and what it has been asked. */
async function listen(answer: (path: string) => { status: number; headers?: Record<string, string> }) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const { status, headers } = answer(request.url ?? "");
    response.writeHead(status, { ...headers, connection: "close" }).end("secret of the other");
  });
  server.on("upgrade", (request, socket) => {
    asked.push(request.url ?? "");
    const { status, headers = {} } = answer(request.url ?? "");
    const lines = Object.entries(headers).map((pair) => `${pair.join(": ")}\r\n`);
    socket.end(`HTTP/1.1 ${status} Status\r\n${lines.join("")}content-length: 0\r\nconnection: close\r\n\r\n`);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { asked, port: (server.address() as AddressInfo).port };
}

const request = (more: Partial<ProxyRequest> = {}): ProxyRequest => ({
  scheme: "http",
  address: "10.1.0.2",
  method: "GET",
  path: "/",
  headers: [["host", "api.test"]],
  hasBody: false,
  prefix: "/api/v1/namespaces/n/pods/p/proxy",
  ...more,
});

describe("an address that the control plane asks for", () => {
  test.each(["169.254.169.254", "127.0.0.1", "evil.test", "localhost", "10.1.0.3", "::1", ""])(
    "%s is not dialled where it is not the pod's own",
    (asked) => {
      expect(ownAddress(["10.1.0.2", "fd00::2"], asked)).toBe("10.1.0.2");
      expect(ownAddress([], asked)).toBeUndefined();
    },
  );

  test("is dialled where it is", () => {
    expect(ownAddress(["10.1.0.2", "fd00::2"], "fd00::2")).toBe("fd00::2");
  });

  test("is dialled as it is, and no name is looked up", async () => {
    const { port, asked } = await listen(() => ({ status: 200 }));
    const lookup = vi.spyOn(dns, "lookup");
    const answer = await askPort(
      request(),
      { host: "127.0.0.1", port },
      { body: undefined, signal: AbortSignal.timeout(5_000) },
    );
    await text(answer.body);
    expect(asked).toEqual(["/"]);
    const names = lookup.mock.calls.map(([name]) => name).filter((name) => name !== "127.0.0.1");
    expect(names).toEqual([]);
  });
});

describe("a pod that sends the asker elsewhere", () => {
  test.each([301, 302, 303, 307, 308])("with %i sends the client, not the node", async (status) => {
    const other = await listen(() => ({ status: 200 }));
    const location = `http://127.0.0.1:${other.port}/latest/meta-data`;
    const pod = await listen(() => ({ status, headers: { location } }));
    const signal = AbortSignal.timeout(5_000);
    const answer = await askPort(request(), { host: "127.0.0.1", port: pod.port }, { body: undefined, signal });
    await text(answer.body);
    expect(answer.status).toBe(status);
    expect([pod.asked, other.asked]).toEqual([["/"], []]);
    const upgrade = { subprotocols: [] };
    const asked = askSocket(request({ upgrade }), { host: "127.0.0.1", port: pod.port });
    await expect(asked).rejects.toThrow(`invalid upgrade response: status code ${status}`);
    expect(other.asked).toEqual([]);
  });

  test("names no other place by what else it answers", async () => {
    const other = await listen(() => ({ status: 200 }));
    const at = `http://127.0.0.1:${other.port}/`;
    const headers = {
      "content-location": at,
      link: `<${at}>; rel=preload`,
      refresh: `0; url=${at}`,
      "alt-svc": `h2="127.0.0.1:${other.port}"`,
    };
    const pod = await listen(() => ({ status: 200, headers }));
    const signal = AbortSignal.timeout(5_000);
    const answer = await askPort(request(), { host: "127.0.0.1", port: pod.port }, { body: undefined, signal });
    await text(answer.body);
    expect(other.asked).toEqual([]);
  });
});
