/**
 * Many clients create, change and delete Services at once in a small range, while the database refuses writes and loses answers. At no
 * revision of the log do two Services hold the same address or node port, each address has its IPAddress, and nothing is left behind.
 */
import { expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import type { LogEntry } from "../../src/storage/storage.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { createFaultyDatabase } from "../harness/faulty-database.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const ROUNDS = 12;
const CLIENTS = 16;
const SERVICES = "/api/v1/namespaces/default/services";
const ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses";
/** The network, the API's own and the broadcast address are not for others. */
const CIDR = "10.96.0.0/27";
const ADDRESSES_IN_CIDR = 29;
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const MERGE = { "content-type": "application/merge-patch+json" };

interface Service extends KubeObject {
  spec: { type: string; clusterIP?: string; healthCheckNodePort?: number; ports?: { nodePort?: number }[] };
}
interface IpAddress extends KubeObject {
  spec: { parentRef: { resource: string; namespace: string; name: string } };
}

function spec(dice: Dice): object {
  const type = dice.pick(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "ClusterIP"]);
  if (type === "ExternalName") return { type, externalName: "example.com" };
  const fixedPort = type !== "ClusterIP" && dice.chance(0.5) ? { nodePort: 30_000 + dice.roll(3) } : {};
  const fixedIp = dice.chance(0.3) ? { clusterIP: `10.96.0.${2 + dice.roll(3)}` } : {};
  const local = type === "LoadBalancer" && dice.chance(0.5) ? { externalTrafficPolicy: "Local" } : {};
  return { type, ...fixedIp, ...local, ports: [{ port: 80, ...fixedPort }] };
}

async function act(api: TestCluster, dice: Dice): Promise<number> {
  const name = dice.pick(NAMES);
  const wanted = spec(dice);
  const send = async (path: string, init: Parameters<TestCluster["call"]>[1]) => (await api.call(path, init)).status;
  switch (dice.roll(4)) {
    case 0:
      return await send(`${SERVICES}/${name}`, { method: "DELETE" });
    case 1:
      return await send(`${SERVICES}/${name}`, { method: "PATCH", headers: MERGE, body: { spec: wanted } });
    default:
      return await send(SERVICES, { method: "POST", body: { metadata: { name }, spec: wanted } });
  }
}

/** What a Service holds that no other may. */
function holdings({ spec: { type, clusterIP, healthCheckNodePort, ports = [] } }: Service): string[] {
  const address = type !== "ExternalName" && clusterIP && clusterIP !== "None" ? [`ip ${clusterIP}`] : [];
  const numbers = [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort].filter(Boolean);
  return [...address, ...new Set(numbers.map((number) => `port ${number}`))];
}

/** Throws where two Services hold the same at once. */
function replay(entries: readonly LogEntry[]): void {
  const held = new Map<string, string[]>();
  const holders = new Map<string, string>();
  for (const { type, resource, namespace, name, value, revision } of entries) {
    if (resource !== "services") continue;
    const key = `${namespace}/${name}`;
    for (const what of held.get(key) ?? []) holders.delete(what);
    const now = type === "DELETED" ? [] : holdings(JSON.parse(value) as Service);
    held.set(key, now);
    for (const what of now) {
      const other = holders.get(what);
      if (other !== undefined) throw new Error(`revision ${revision}: ${what} is held by ${other} and ${key}`);
      holders.set(what, key);
    }
  }
}

async function assertAddressesMatch(api: TestCluster): Promise<void> {
  const services = (await api.call<KubeList<Service>>("/api/v1/services")).body.items;
  const addresses = (await api.call<KubeList<IpAddress>>(ADDRESSES)).body.items;
  const held = services.flatMap((service) =>
    holdings(service)
      .filter((what) => what.startsWith("ip "))
      .map((what) => `${what.slice(3)} ${service.metadata.namespace}/${service.metadata.name}`),
  );
  const named = addresses.map(
    ({ metadata, spec: { parentRef } }) => `${metadata.name} ${parentRef.namespace}/${parentRef.name}`,
  );
  expect(named.toSorted()).toEqual(held.toSorted());
}

it("no address and no node port is ever held twice, and none leaks", { timeout: 120_000 }, async () => {
  await withSeed(async (dice) => {
    const opened = await testRuntime.openDatabase();
    const database = createFaultyDatabase(opened.database);
    const api = await createTestCluster({ database, config: { serviceCidr: CIDR } });
    try {
      const start = await api.storage.revision();
      const statuses = new Map<number, number>();
      for (let round = 0; round < ROUNDS; round += 1) {
        database.fault = (_statements, mode) => {
          if (mode === "read" || !dice.chance(0.15)) return undefined;
          return dice.pick(["answer-lost", "request-lost", "refused"]);
        };
        const answers = await Promise.all(Array.from({ length: CLIENTS }, () => act(api, dice)));
        database.fault = () => undefined;
        for (const status of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
        await assertAddressesMatch(api);
      }
      const { entries } = await api.storage.changes({ since: 0, limit: 10_000 });
      replay(entries);
      // Something was written, something refused.
      expect(entries.filter(({ revision }) => revision > start).length).toBeGreaterThan(ROUNDS);
      expect(statuses.get(201) ?? 0).toBeGreaterThan(ROUNDS);
      expect([...statuses.keys()].filter((status) => ![200, 201, 404, 409, 422, 500, 503].includes(status))).toEqual(
        [],
      );

      for (const name of NAMES) await api.call(`${SERVICES}/${name}`, { method: "DELETE" });
      await assertAddressesMatch(api);
      // Every address of the range is free again.
      const all = Array.from({ length: ADDRESSES_IN_CIDR }, (_, at) => `all-${at}`);
      for (const name of all) {
        const made = await api.call(SERVICES, {
          method: "POST",
          body: { metadata: { name }, spec: { ports: [{ port: 80 }] } },
        });
        if (made.status !== 201) throw new Error(made.text);
      }
      const full = { metadata: { name: "one-too-many" }, spec: { ports: [{ port: 80 }] } };
      assertFailure(await api.call(SERVICES, { method: "POST", body: full }), {
        code: 500,
        reason: "InternalError",
        message: "Internal error occurred: failed to allocate a serviceIP: range is full",
      });
    } finally {
      await api.stop();
      await opened.close();
    }
  });
});
