/** A join token that has leaked: after its use, beside its use, for another name, with another's proof. One wording for every refusal. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { agentsWithoutSockets, createMachine, FOR_ONE_NODE, join, makeJoinToken, renew } from "../harness/machines.ts";

const REFUSED = "the join token is unknown, used or has expired";

let nowMs = Date.now();
let api: TestCluster;
let tokens = 0;
beforeAll(async () => {
  api = await createTestCluster({ agents: agentsWithoutSockets(), platform: { clock: { now: () => nowMs } } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const newToken = (data: object = FOR_ONE_NODE): Promise<string> =>
  makeJoinToken(api, { id: `t${String((tokens += 1)).padStart(5, "0")}`, data });
const nodeNames = async (): Promise<(string | undefined)[]> => {
  const { body } = await api.call<{ items: { metadata: { name: string } }[] }>("/api/v1/nodes");
  return body.items.map(({ metadata }) => metadata.name);
};

describe("a token for one node", () => {
  it("is of no use to who has it after its use", async () => {
    const [owner, thief] = await Promise.all([createMachine(), createMachine()]);
    const token = await newToken();
    expect((await join(api, { machine: owner, nodeName: "first", token })).status).toBe(200);
    for (const nodeName of ["first", "second"]) {
      const stolen = await join(api, { machine: thief, nodeName, token });
      // The name is told to be taken before the token is judged to be used: both are refusals.
      expect([401, 409], stolen.text).toContain(stolen.status);
    }
    expect(await nodeNames()).not.toContain("second");
  });

  it("serves its owner again for a while, when the answer was lost, and not for ever", async () => {
    const machine = await createMachine();
    const token = await newToken();
    const again = () => join(api, { machine, nodeName: "repeats", token });
    expect([(await again()).status, (await again()).status]).toEqual([200, 200]);
    nowMs += 11 * 60_000;
    expect(await again()).toMatchObject({ status: 401, body: { message: REFUSED } });
  });

  it("lets one of many in who use it at once", async () => {
    const token = await newToken();
    const machines = await Promise.all(Array.from({ length: 6 }, createMachine));
    const answers = await Promise.all(
      machines.map((machine, at) => join(api, { machine, nodeName: `race-${at}`, token })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401, 401, 401, 401]);
    expect((await nodeNames()).filter((name) => name?.startsWith("race-"))).toHaveLength(1);
  });

  it("is worth nothing with a proof that was made for another, is old, or is none", async () => {
    const [owner, thief] = await Promise.all([createMachine(), createMachine()]);
    const token = await newToken();
    const other = await newToken();
    const proofs = {
      "another's": await owner.prove("join", token, nowMs),
      "of another token": await thief.prove("join", other, nowMs),
      "for a renewal": await thief.prove("renew", token, nowMs),
      old: await thief.prove("join", token, nowMs - 6 * 60_000),
      "of the future": await thief.prove("join", token, nowMs + 6 * 60_000),
      "cut off": (await thief.prove("join", token, nowMs)).slice(0, -2),
      "without a signature": (await thief.prove("join", token, nowMs)).replace(/[^.]*$/, ""),
      none: "",
    };
    for (const [name, proof] of Object.entries(proofs)) {
      const answer = await join(api, { machine: thief, nodeName: "thief", token, more: { proof } });
      expect(answer.status, name).toBe(401);
    }
    expect(await nodeNames()).not.toContain("thief");
    // None of this has used it up.
    expect((await join(api, { machine: owner, nodeName: "owner", token })).status).toBe(200);
  });

  it("cannot be written anew by who has joined with it", async () => {
    const machine = await createMachine();
    const token = await newToken();
    const { body } = await join(api, { machine, nodeName: "writer", token });
    const secret = `/api/v1/namespaces/kube-system/secrets/bootstrap-token-${token.slice(0, 6)}`;
    for (const method of ["GET", "PUT", "DELETE"])
      expect(
        (await api.call(secret, { method, token: body.credential, body: method === "PUT" ? {} : undefined })).status,
      ).toBe(403);
  });
});

describe("a token", () => {
  it.each<[string, object]>([
    ["that has expired", { expiration: "2020-01-01T00:00:00Z" }],
    ["whose end cannot be read", { expiration: "never" }],
    ["for something else", { "usage-bootstrap-authentication": "false" }],
    ["of another id", { "token-id": "zzzzzz" }],
    ["of another secret", { "token-secret": "0123456789abcdeg" }],
    ["of a longer secret", { "token-secret": "0123456789abcdef0" }],
    ["without a secret", { "token-secret": "" }],
  ])("%s joins nobody", async (_name, data) => {
    const token = await newToken(data);
    const answer = await join(api, { machine: await createMachine(), nodeName: "nobody", token });
    expect(answer).toMatchObject({ status: 401, body: { message: REFUSED } });
    expect(await nodeNames()).not.toContain("nobody");
  });

  it("that is revoked joins nobody, at once", async () => {
    const token = await newToken({});
    await api.call(`/api/v1/namespaces/kube-system/secrets/bootstrap-token-${token.slice(0, 6)}`, { method: "DELETE" });
    const answer = await join(api, { machine: await createMachine(), nodeName: "nobody", token });
    expect(answer).toMatchObject({ status: 401, body: { message: REFUSED } });
  });

  it("is no credential for anything else", async () => {
    const token = await newToken({});
    for (const path of ["/api", "/api/v1/nodes", "/agent/v1/tunnel"])
      expect((await api.call(path, { token })).status, path).toBe(401);
    expect((await api.call("/agent/v1/sync", { method: "POST", token, body: {} })).status).toBe(401);
    const machine = await createMachine();
    expect((await renew(api, { machine, credential: token })).status).toBe(401);
  });

  it.each(["../../etc", "n1/status", "N1", "n1\u0000", "", "a".repeat(254), "system:node:n1", "n1,n2"])(
    "makes no node named %j",
    async (nodeName) => {
      const answer = await join(api, { machine: await createMachine(), nodeName, token: await newToken({}) });
      expect(answer.status).toBe(400);
    },
  );

  it.each<[string, object]>([
    ["a private key", { publicKey: { kty: "oct", k: "AAAA" } }],
    ["another curve", { publicKey: { kty: "EC", crv: "P-384", x: "AAAA", y: "AAAA" } }],
    ["a point off the curve", { publicKey: { kty: "EC", crv: "P-256", x: "AAAA", y: "AAAA" } }],
    ["no key", { publicKey: null }],
  ])("is no good with %s", async (_name, more) => {
    const answer = await join(api, {
      machine: await createMachine(),
      nodeName: "keyless",
      token: await newToken({}),
      more,
    });
    expect([400, 401]).toContain(answer.status);
    expect(await nodeNames()).not.toContain("keyless");
  });
});
