/** What the edge is started with is read before anything is started: a fault is one line, and leaves nothing running. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { configurationOf } from "../../test/harness/issuer.ts";
import { startGantry } from "../../test/harness/gantry-process.ts";
import { readConfiguration } from "../authn/oidc/configuration.ts";
import { ROOT_ISSUER_RULES } from "../platform/workers/root-cluster.ts";
import { authenticationVariable } from "./authentication-config.ts";

const ISSUER = { url: "https://issuer.example.com" };

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "gantry-authentication-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(content: string): Promise<string> {
  const file = join(folder, "config.yaml");
  await writeFile(file, content);
  return file;
}

test("a file of YAML becomes the variable that workerd takes", async () => {
  const yaml = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
  - issuer: { url: "${ISSUER.url}", audiences: [gantry] }
    claimMappings: { username: { claim: sub, prefix: "issuer:" } }
`;
  const variable = await authenticationVariable(await fileOf(yaml));
  expect(readConfiguration(JSON.parse(variable), ROOT_ISSUER_RULES)).toMatchObject({ issuers: [{ issuer: ISSUER }] });
});

test.each([
  ["no configuration", "jwt: 1", /is no authentication configuration for the edge: jwt/],
  ["no YAML", "{", /cannot read the authentication configuration/],
  ["a private address", JSON.stringify(configurationOf({ url: "https://10.0.0.1" })), /public host/],
  [
    "an authority of one's own",
    JSON.stringify(configurationOf(ISSUER, { issuer: { certificateAuthority: "-----BEGIN CERTIFICATE-----" } })),
    /public authorities alone/,
  ],
])("%s is refused", async (_, content, why) => {
  await expect(authenticationVariable(await fileOf(content))).rejects.toThrow(why);
});

test("`gantry edge` says so in one line, and makes nothing", async () => {
  const file = await fileOf("jwt: 1");
  const gantry = startGantry(["edge", "--no-agent", "--data", join(folder, "data"), "--authentication-config", file]);
  expect(await gantry.ended).toBe(1);
  expect(gantry.output()).toMatch(/^gantry: \S+ is no authentication configuration for the edge: [^\n]+\n$/);
});
