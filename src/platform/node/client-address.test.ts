import { once } from "node:events";
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { identifyClient } from "./client-address.ts";

test("what a client says of itself is taken off, and where it comes from is added", async () => {
  let seen: { headers: IncomingHttpHeaders; names: string[] } | undefined;
  const server = createServer((incoming, outgoing) => {
    identifyClient(incoming);
    const { headers, rawHeaders } = incoming;
    seen = { headers, names: rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()) };
    outgoing.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const forged = {
    "X-Remote-User": "admin",
    "x-remote-group": "system:masters",
    "X-Remote-Extra-Scopes": "all",
    "x-forwarded-for": "192.0.2.1",
    "X-Forwarded-Host": "evil.test",
    Forwarded: "for=192.0.2.1",
    "gantry-client-address": "192.0.2.1",
    "x-real-ip": "192.0.2.1",
    accept: "text/html",
    "x-custom": "1",
  };
  const ask = async (path: string) => {
    const [response] = await once(request({ port, path, headers: forged }).end(), "response");
    (response as NodeJS.ReadableStream).resume();
    const { headers = {}, names = [] } = seen ?? {};
    expect(names.toSorted()).toEqual(Object.keys(headers).toSorted());
    return headers;
  };
  const own = { accept: "text/html", "x-custom": "1", "gantry-client-address": "127.0.0.1" };
  const { host: _host, connection: _connection, ...plain } = await ask("/api/v1/pods");
  expect(plain).toEqual(own);
  // What goes on to a pod says who asks.
  const { host: _to, connection: _by, ...proxied } = await ask("/api/v1/namespaces/n/pods/p/proxy/x");
  expect(proxied).toEqual({ ...own, "x-forwarded-for": "127.0.0.1" });
  server.close();
});
