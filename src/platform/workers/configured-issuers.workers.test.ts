/** The variable of a deployment, and how documents are fetched in workerd: from a server that is there anyway. */
import { describe, expect, inject, test } from "vitest";
import { configurationOf, createTestIssuer } from "../../../test/harness/issuer.ts";
import { configuredIssuers } from "./configured-issuers.ts";
import type { Env } from "./env.ts";
import { fetchDocument } from "./fetch-document.ts";

const ISSUER = { url: "https://issuer.example.com" };
const env = (configuration?: object): Env =>
  (configuration ? { AUTHENTICATION_CONFIG: JSON.stringify(configuration) } : {}) as Env;

test("without the variable there are none; with it tokens of others are not its own", async () => {
  expect(configuredIssuers(env())).toEqual([]);
  const [authenticator] = configuredIssuers(env(configurationOf(ISSUER)));
  const other = await createTestIssuer({ url: "https://other.example.com", now: () => Date.now(), alg: "ES256" });
  expect(await authenticator?.authenticate({ token: await other.token() })).toBeUndefined();
  expect(await authenticator?.authenticate({ token: "gtry_0123" })).toBeUndefined();
});

test.each([
  ["no configuration", { jwt: 1 }, /AUTHENTICATION_CONFIG is not valid: jwt: /],
  [
    "the cluster itself",
    configurationOf({ url: "https://kubernetes.default.svc.cluster.local" }),
    /disallowed issuers/,
  ],
  [
    "an authority of one's own",
    configurationOf(ISSUER, { issuer: { certificateAuthority: "-----BEGIN CERTIFICATE-----" } }),
    /public authorities alone/,
  ],
  ["a private address", configurationOf({ url: "https://10.0.0.1" }), /public host/],
])("%s is refused", (_, configuration, why) => {
  expect(() => configuredIssuers(env(configuration))).toThrow(why);
});

const url = (path: string): string => `${inject("libsqlServer")?.url}${path}`;

describe.skipIf(inject("libsqlServer") === undefined)("a document", () => {
  const limits = { bytesMax: 1_000, timeoutMs: 5_000 };

  test("is what a 200 has, and nothing else is", async () => {
    expect(await fetchDocument({ ...limits, url: url("/version") })).toMatch(/\S/);
    await expect(fetchDocument({ ...limits, url: url("/version"), bytesMax: 1 })).rejects.toThrow(/more than 1 bytes/);
    await expect(fetchDocument({ ...limits, url: url("/nothing-here") })).rejects.toThrow(/answered 4/);
    await expect(fetchDocument({ ...limits, url: url("/version"), certificateAuthority: "x" })).rejects.toThrow(
      /no authority/,
    );
  });
});
