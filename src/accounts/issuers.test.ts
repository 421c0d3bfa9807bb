/** What the issuers of a cluster cost those who are not of them. */
import { SignJWT } from "jose";
import { beforeEach, expect, test } from "vitest";
import { configurationOf, createTestIssuer, type TestIssuer } from "../../test/harness/issuer.ts";
import { silentLog } from "../../test/harness/silent-log.ts";
import type { Authenticator } from "../authn/authenticator.ts";
import type { Database } from "../storage/database.ts";
import { createClusterOidc } from "./issuers.ts";

const BASE_URL = "https://gantry.test";
const CLUSTER = "cl-1";
const OWN = `${BASE_URL}/clusters/${CLUSTER}`;

let nowMs: number;
let reads: number;
let text: string | null;
let issuer: TestIssuer;
let authenticator: Authenticator;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 27);
  reads = 0;
  issuer = await createTestIssuer({ url: "https://issuer.example.com", now: () => nowMs, alg: "ES256" });
  text = JSON.stringify(configurationOf(issuer));
  const database: Database = {
    close: async () => {},
    async batch() {
      reads++;
      return [{ rows: [[text]], rowsAffected: 0 }];
    },
  };
  authenticator = createClusterOidc({
    database,
    clock: { now: () => nowMs },
    log: silentLog,
    cluster: { id: CLUSTER },
    baseUrl: BASE_URL,
    fetchDocument: (asked) => issuer.documents(asked),
  });
});

async function tokenOf(iss: string): Promise<string> {
  const key = new Uint8Array(32);
  return await new SignJWT({ iss }).setProtectedHeader({ alg: "HS256" }).sign(key);
}

test("tokens of the cluster, of its nodes, of Secrets and of the accounts, and noise, ask for nothing", async () => {
  const tokens = await Promise.all(
    [OWN, `${OWN}/nodes`, "kubernetes/serviceaccount", "http://issuer.example.com"].map(tokenOf),
  );
  for (const token of [...tokens, "gtry_0123", "a.b.c", "", "x".repeat(10_000), undefined]) {
    expect(await authenticator.authenticate({ token })).toBeUndefined();
  }
  expect({ reads, asked: issuer.asked.length }).toEqual({ reads: 0, asked: 0 });
});

test("tokens of strangers read what is said of issuers once in two seconds, and make nobody ask an issuer", async () => {
  for (let n = 0; n < 20; n++) {
    expect(
      await authenticator.authenticate({ token: await tokenOf(`https://stranger-${n}.example.com`) }),
    ).toBeUndefined();
  }
  expect({ reads, asked: issuer.asked.length }).toEqual({ reads: 1, asked: 0 });
  nowMs += 2_000;
  await authenticator.authenticate({ token: await tokenOf("https://stranger.example.com") });
  expect(reads).toBe(2);
});

test("keys stay as long as the configuration does", async () => {
  for (let n = 0; n < 5; n++) {
    expect(await authenticator.authenticate({ token: await issuer.token({ n }) })).toMatchObject({ name: "ext:jane" });
    nowMs += 2_000;
  }
  expect({ reads, asked: issuer.asked.length }).toEqual({ reads: 5, asked: 2 });
  text = JSON.stringify(configurationOf(issuer, { claimMappings: { username: { claim: "sub", prefix: "new:" } } }));
  expect(await authenticator.authenticate({ token: await issuer.token() })).toMatchObject({ name: "new:jane" });
  text = null;
  nowMs += 2_000;
  expect(await authenticator.authenticate({ token: await issuer.token() })).toBeUndefined();
});
