/**
 * Guessing a secret letter by letter, by the time that a comparison takes. No test here measures time: it is by construction that there
 * is nothing to measure. Tokens that are looked up are looked up by their SHA-256, of which no guess chooses a part; the secret of a join
 * token is compared as an HMAC under a key that is made for the comparison; tickets by a function that looks at all of both
 * (src/machinery/constant-time.test.ts counts what it reads).
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createAccountTokens } from "../../src/accounts/index.ts";
import { createStaticTokens, sha256Hex } from "../../src/authn/static-token.ts";
import { verifyBootstrapToken } from "../../src/authn/bootstrap-token.ts";
import type { Database, Statement } from "../../src/storage/database.ts";
import { ADMIN_TOKEN, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { makeJoinToken } from "../harness/machines.ts";

const SECRET = "0123456789abcdef";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

/** Each differs from the secret at one place alone, and the last at all of them. */
function guesses(secret: string): string[] {
  const letter = (at: number): string => (secret[at] === "x" ? "y" : "x");
  const near = Array.from(secret, (_, at) => secret.slice(0, at) + letter(at) + secret.slice(at + 1));
  return [...near, "x".repeat(secret.length)];
}

const text = (data: BufferSource): string =>
  new TextDecoder().decode("buffer" in data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data);

describe("the secret of a join token", () => {
  it("is only ever compared as an HMAC under a new key, wherever a guess is wrong", async () => {
    const token = await makeJoinToken(api, { id: "timing" });
    const [id = ""] = token.split(".");
    const client = api.app.clientFor({ name: "system:test", groups: ["system:masters"] });
    const signed: { key: CryptoKey; text: string }[] = [];
    const { subtle } = crypto;
    const sign = subtle.sign.bind(subtle);
    vi.spyOn(subtle, "sign").mockImplementation((algorithm, key, data) => {
      signed.push({ key, text: text(data) });
      return sign(algorithm, key, data);
    });
    const keys = new Set<CryptoKey>();
    for (const guess of guesses(SECRET)) {
      signed.length = 0;
      const verified = verifyBootstrapToken({ client, clock: api.cluster.platform.clock, token: `${id}.${guess}` });
      await expect(verified).rejects.toThrow("unknown, used or has expired");
      expect(signed.map((one) => one.text)).toEqual([guess, SECRET]);
      expect(signed[0]?.key).toBe(signed[1]?.key);
      for (const { key } of signed) {
        expect([key.algorithm.name, key.extractable]).toEqual(["HMAC", false]);
        keys.add(key);
      }
    }
    expect(keys.size, "a key for each comparison").toBe(guesses(SECRET).length);
    await verifyBootstrapToken({ client, clock: api.cluster.platform.clock, token });
  });
});

describe("a token that is looked up", () => {
  it("of an administrator is known by its hash alone", async () => {
    expect(api.cluster.config.adminTokenHashes).toEqual([await sha256Hex(ADMIN_TOKEN)]);
    const has = vi.spyOn(Set.prototype, "has");
    const tokens = createStaticTokens(api.cluster.config.adminTokenHashes);
    for (const guess of guesses(ADMIN_TOKEN)) {
      has.mockClear();
      expect(await tokens.authenticate({ token: guess })).toBeUndefined();
      const asked = has.mock.calls.map(([value]) => value as unknown).filter((value) => typeof value === "string");
      expect(asked).toEqual([await sha256Hex(guess)]);
    }
    expect(await tokens.authenticate({ token: ADMIN_TOKEN })).toMatchObject({ name: "admin" });
  });

  it("of people is asked for by its hash alone", async () => {
    const asked: Statement[] = [];
    const database: Database = {
      async batch(statements) {
        asked.push(...statements);
        return statements.map(() => ({ columns: [], rows: [], rowsAffected: 0 }) as never);
      },
      close: async () => {},
    };
    const { clock } = api.cluster.platform;
    const tokens = createAccountTokens({ database, clock, cluster: { id: "cl_1", organisation: "org_1" } });
    for (const guess of guesses(SECRET).map((one) => `gtry_${one}`)) {
      asked.length = 0;
      await expect(tokens.authenticate({ token: guess })).rejects.toMatchObject({ code: 401 });
      expect(asked).toHaveLength(1);
      expect(asked[0]?.args).toEqual([await sha256Hex(guess)]);
      expect(asked[0]?.sql).not.toContain(guess);
    }
  });
});
