/**
 * What only looks like a credential: a cluster below `/clusters/` tells its version and health to those it knows, and to all others nothing,
 * not even that it is there.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callerOf, createTestAccounts, signUpWithOrganisation, type TestAccounts } from "../harness/accounts.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const PREFIX = "base64url.bearer.authorization.k8s.io.";
const encoded = (text: string): string => btoa(text).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");

const NO_CREDENTIALS: Record<string, string>[] = [
  {},
  { authorization: "" },
  { authorization: "Bearer" },
  { authorization: "Bearer " },
  { authorization: "Bearer \u00a0" },
  { authorization: "Basic YWRtaW46YWRtaW4=" },
  { authorization: "Bearer null" },
  { authorization: "Bearer x", "impersonate-user": "admin" },
  { "sec-websocket-protocol": "bearer.authorization" },
  { "sec-websocket-protocol": "x.bearer.authorization.k8s.io" },
  { "sec-websocket-protocol": "v5.channel.k8s.io, bearer.authorization.k8s.io.abc" },
  { "sec-websocket-protocol": PREFIX },
  { "sec-websocket-protocol": `${PREFIX}***` },
  { "sec-websocket-protocol": PREFIX + encoded("nonsense") },
  { "sec-websocket-protocol": PREFIX.toUpperCase() + encoded("nonsense") },
  { cookie: "better-auth.session_token=x" },
  { "x-remote-user": "admin", "x-remote-group": "system:masters" },
];

const PATHS = ["", "/", "/version", "/healthz", "/livez", "/api", "/openapi/v3", "/openid/v1/jwks", "/agent/v1/ca"];

describe.skipIf(testRuntime.missing !== undefined)("a cluster that is none of the asker's", () => {
  let accounts: TestAccounts;
  let cluster: string;
  beforeAll(async () => {
    accounts = await createTestAccounts();
    const { person, organisation } = await signUpWithOrganisation(accounts, "owner");
    const made = await person.call("POST", "/v1/clusters", { name: "hidden", organisation });
    cluster = made.body["id"] ?? "";
    expect(made.status, made.text).toBe(201);
  }, 60_000);
  afterAll(() => accounts.stop());

  test.each(NO_CREDENTIALS)("is as one that is not there: %j", async (headers) => {
    const caller = callerOf(accounts.fetch, headers);
    for (const path of PATHS) {
      const [there, missing] = await Promise.all(
        [cluster, "cl_000000000000000000000000"].map((id) => caller.call("GET", `/clusters/${id}${path}`)),
      );
      expect([there?.status, there?.text], path).toEqual([401, missing?.text]);
      expect(missing?.status).toBe(401);
    }
  });
});
