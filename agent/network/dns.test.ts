import { createSocket } from "node:dgram";
import { connect } from "node:net";
import * as dns from "dns-packet";
import { afterEach, describe, expect, test } from "vitest";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import { startDnsServer, type DnsServer } from "./dns-server.ts";
import { createZone } from "./dns-zone.ts";

const service = (name: string, spec: Record<string, unknown>) => ({ metadata: { name, namespace: "shop" }, spec });
const zone = createZone(
  {
    services: [
      service("web", { clusterIP: "10.96.3.4", ports: [{ name: "http", protocol: "TCP", port: 80 }] }),
      service("db", { clusterIP: "None", ports: [{ name: "sql", protocol: "TCP", port: 5432 }] }),
      service("away", { type: "ExternalName", externalName: "example.test" }),
      service("empty", { clusterIP: "None" }),
    ],
    endpointSlices: [
      {
        metadata: { name: "db-1", namespace: "shop", labels: { "kubernetes.io/service-name": "db" } },
        addressType: "IPv4",
        ports: [{ name: "sql", port: 5433 }],
        endpoints: [
          { addresses: ["10.244.0.5"], hostname: "db-0", conditions: { ready: true } },
          { addresses: ["10.244.0.6"], conditions: { ready: false } },
          { addresses: ["10.244.0.7"], conditions: { ready: true } },
        ],
      },
    ],
  },
  "cluster.local",
);

describe("names of a cluster", () => {
  test.each([
    ["web.shop.svc.cluster.local", "A", { kind: "a", addresses: ["10.96.3.4"] }],
    ["WEB.shop.svc.cluster.local.", "A", { kind: "a", addresses: ["10.96.3.4"] }],
    ["web.shop.svc.cluster.local", "AAAA", { kind: "no-data" }],
    ["db.shop.svc.cluster.local", "A", { kind: "a", addresses: ["10.244.0.5", "10.244.0.7"] }],
    ["db-0.db.shop.svc.cluster.local", "A", { kind: "a", addresses: ["10.244.0.5"] }],
    ["10-244-0-7.db.shop.svc.cluster.local", "A", { kind: "a", addresses: ["10.244.0.7"] }],
    ["10-244-0-6.db.shop.svc.cluster.local", "A", { kind: "no-name" }],
    [
      "_http._tcp.web.shop.svc.cluster.local",
      "SRV",
      { kind: "srv", targets: [{ port: 80, target: "web.shop.svc.cluster.local", address: "10.96.3.4" }] },
    ],
    ["_nope._tcp.web.shop.svc.cluster.local", "SRV", { kind: "no-name" }],
    ["away.shop.svc.cluster.local", "A", { kind: "cname", target: "example.test" }],
    ["empty.shop.svc.cluster.local", "A", { kind: "no-name" }],
    ["gone.shop.svc.cluster.local", "A", { kind: "no-name" }],
    ["shop.svc.cluster.local", "A", { kind: "no-data" }],
    ["svc.cluster.local", "A", { kind: "no-data" }],
    ["cluster.local", "A", { kind: "no-data" }],
    ["web.shop.cluster.local", "A", { kind: "no-name" }],
    ["example.test", "A", { kind: "foreign" }],
    ["notcluster.local", "A", { kind: "foreign" }],
  ])("%s %s", (name, type, expected) => {
    expect(zone.answer({ name, type })).toEqual(expected);
  });
});

const query = (name: string) =>
  dns.encode({ type: "query", id: 7, flags: dns.RECURSION_DESIRED, questions: [{ type: "A", name }] });

const askUdp = (port: number, message: Uint8Array): Promise<dns.DecodedPacket> =>
  new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.on("message", (answer) => {
      socket.close();
      resolve(dns.decode(answer));
    });
    socket.send(message, port, "127.0.0.1");
  });

describe("the DNS server", () => {
  const servers: DnsServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  const { timers, log } = createNodePlatform({ level: "error" });
  const start = async (upstreams: string[]): Promise<DnsServer> => {
    const server = await startDnsServer({ address: "127.0.0.1", port: 0, zone: () => zone, upstreams, timers, log });
    servers.push(server);
    return server;
  };
  test("answers over UDP with the question's id", async () => {
    const { port } = await start([]);
    const answer = await askUdp(port, query("web.shop.svc.cluster.local"));
    expect(answer.id).toBe(7);
    expect(answer.answers).toMatchObject([{ type: "A", data: "10.96.3.4" }]);
    expect(answer.flag_aa).toBe(true);
  });

  test("says NXDOMAIN for a Service that is not there", async () => {
    const { port } = await start([]);
    expect(((await askUdp(port, query("gone.shop.svc.cluster.local"))).flags ?? 0) & 0xf).toBe(3);
  });

  test("says SERVFAIL for a foreign name without upstreams, and ignores what is no DNS", async () => {
    const { port } = await start([]);
    const stray = createSocket("udp4");
    await new Promise<void>((resolve) => stray.send(Buffer.from("junk"), port, "127.0.0.1", () => resolve()));
    stray.close();
    expect(((await askUdp(port, query("example.test"))).flags ?? 0) & 0xf).toBe(2);
  });

  test("answers two questions on one TCP connection, however they are cut", async () => {
    const { port } = await start([]);
    const message = query("web.shop.svc.cluster.local");
    const framed = Buffer.concat([Buffer.from([0, message.length]), message]);
    const both = Buffer.concat([framed, framed]);
    const answers = await new Promise<dns.DecodedPacket[]>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      let received = Buffer.alloc(0);
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        received = Buffer.concat([received, chunk]);
        const decoded: dns.DecodedPacket[] = [];
        for (let at = 0; at + 2 <= received.length;) {
          const length = received.readUInt16BE(at);
          if (at + 2 + length > received.length) break;
          decoded.push(dns.decode(received.subarray(at + 2, at + 2 + length)));
          at += 2 + length;
        }
        if (decoded.length < 2) return;
        socket.destroy();
        resolve(decoded);
      });
      socket.write(both.subarray(0, 5));
      socket.write(both.subarray(5));
    });
    expect(answers.map((answer) => answer.answers?.[0])).toMatchObject([{ data: "10.96.3.4" }, { data: "10.96.3.4" }]);
  });
});
