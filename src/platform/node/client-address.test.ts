import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { tellClientAddress } from "./client-address.ts";

test("requests to a proxy, and no others, are told who asks", async () => {
  const told: (string | null)[] = [];
  const server = createServer((incoming, outgoing) => {
    const forwarded = incoming.headers["x-forwarded-for"];
    const headers = new Headers(typeof forwarded === "string" ? { "x-forwarded-for": forwarded } : {});
    tellClientAddress(() => headers, incoming);
    told.push(headers.get("x-forwarded-for"));
    outgoing.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const [response] = await once(request({ port, path, headers }).end(), "response");
    (response as NodeJS.ReadableStream).resume();
  };
  await ask("/api/v1/namespaces/n/pods/p/proxy/x");
  await ask("/api/v1/nodes/m/proxy", { "x-forwarded-for": "192.0.2.1" });
  await ask("/api/v1/pods");
  expect(told).toEqual(["127.0.0.1", "192.0.2.1, 127.0.0.1", null]);
  server.close();
});
