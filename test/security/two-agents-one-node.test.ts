/** Two machines, one name. Whoever holds a join token may make a new node, and never become one that is there. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import {
  agentsWithoutSockets,
  createMachine,
  join,
  joined,
  makeJoinToken,
  renew,
  type Machine,
} from "../harness/machines.ts";

let nowMs = Date.now();
let api: TestCluster;
/** For many nodes. */
let token: string;
let thief: Machine;
beforeAll(async () => {
  api = await createTestCluster({ agents: agentsWithoutSockets(), platform: { clock: { now: () => nowMs } } });
  token = await makeJoinToken(api, { id: "shared" });
  thief = await createMachine();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const NODES = "/api/v1/nodes";
const reads = async (credential: string, name: string): Promise<number> =>
  (await api.call(`${NODES}/${name}/status`, { token: credential })).status;
const sync = async (credential: string): Promise<number> =>
  (
    await api.call("/agent/v1/sync", {
      method: "POST",
      token: credential,
      body: { since: 0, digest: "", podStatuses: [], holds: { secrets: [], configMaps: [] } },
    })
  ).status;

/** As long as a credential is remembered at most. */
const passMemory = (): void => void (nowMs += 6_000);

describe("the name of a node that is there", () => {
  it("is not to be had", async () => {
    const owner = await joined(api, "taken");
    const before = await api.storage.revision();
    expect(await join(api, { machine: thief, nodeName: "taken", token })).toMatchObject({ status: 409 });
    expect(await api.storage.revision()).toBe(before);
    expect([await reads(owner.credential, "taken"), await sync(owner.credential)]).toEqual([200, 200]);
  });

  it("is had by one of many who ask at once", async () => {
    const machines = await Promise.all(Array.from({ length: 6 }, createMachine));
    const answers = await Promise.all(machines.map((machine) => join(api, { machine, nodeName: "contested", token })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409, 409, 409]);
    const winner = answers.find(({ status }) => status === 200);
    expect(await sync(winner?.body.credential ?? "")).toBe(200);
  });

  it("cannot be claimed by a Node that was made for another machine once that has reported", async () => {
    await api.call(NODES, { method: "POST", body: { metadata: { name: "ahead" } } });
    await api.call(`${NODES}/ahead/status`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { status: { nodeInfo: { kubeletVersion: "v1.36.0" } } },
    });
    expect((await join(api, { machine: thief, nodeName: "ahead", token })).status).toBe(409);
  });

  it("stays with its key, whoever shows its credential", async () => {
    const owner = await joined(api, "renewed");
    const stolen = await renew(api, { machine: thief, credential: owner.credential });
    expect(stolen.status).toBe(401);
    const mixed = await renew(api, {
      machine: thief,
      credential: owner.credential,
      more: { publicKey: owner.publicKey },
    });
    expect(mixed.status).toBe(401);
    expect((await renew(api, { machine: owner, credential: owner.credential })).status).toBe(200);
  });
});

describe("a node that was deleted", () => {
  it("is nobody, whatever its credential says: nowhere in the API, and for no renewal", async () => {
    const lost = await joined(api, "deleted");
    expect([await reads(lost.credential, "deleted"), await sync(lost.credential)]).toEqual([200, 200]);
    await api.call(`${NODES}/deleted`, { method: "DELETE" });
    passMemory();
    for (const path of [`${NODES}/deleted/status`, NODES, "/api/v1/services", "/api", "/version"])
      expect((await api.call(path, { token: lost.credential })).body, path).toMatchObject({
        code: 401,
        message: "Unauthorized",
      });
    expect(await sync(lost.credential)).toBe(401);
    expect((await renew(api, { machine: lost, credential: lost.credential })).status).toBe(401);
  });

  it("leaves its name, and is not the one who takes it", async () => {
    const first = await joined(api, "reused");
    await api.call(`${NODES}/reused`, { method: "DELETE" });
    const second = await join(api, { machine: thief, nodeName: "reused", token });
    expect(second.status).toBe(200);
    passMemory();
    expect([await reads(first.credential, "reused"), await sync(first.credential)]).toEqual([401, 401]);
    expect((await renew(api, { machine: first, credential: first.credential })).status).toBe(401);
    expect(await sync(second.body.credential)).toBe(200);
  });
});
