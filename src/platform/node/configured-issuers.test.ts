/** The whole of it on Node: a configuration, an issuer that answers over TLS, and a control plane that believes it. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHttpsFetch } from "../../../agent/https-fetch.ts";
import { configurationOf, createTestIssuer, type TestIssuer } from "../../../test/harness/issuer.ts";
import { memorySettings } from "../../../test/harness/memory-settings.ts";
import { silentLog } from "../../../test/harness/silent-log.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../cluster.ts";
import { loadClusterKeys } from "../../pki/load-cluster-keys.ts";
import { issueServerIdentity } from "../../pki/server-identity.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { createNodePlatform } from "./platform.ts";

const platform = { ...createNodePlatform(), log: silentLog };
let folder: string;
let server: Server;
let issuer: TestIssuer;
let ca: string;
let plane: ControlPlane | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-issuers-"));
  const keys = await loadClusterKeys({ settings: memorySettings(), masterKey: new Uint8Array(32), ...platform });
  const identity = await issueServerIdentity({ keys, clock: platform.clock, cluster: DEFAULT_CLUSTER_CONFIG });
  ca = keys.clusterCa;
  server = createServer({ key: identity.keyPem, cert: identity.certificatePem }, (request, response) => {
    const asked = { url: `${issuer.url}${request.url ?? ""}`, bytesMax: 1, timeoutMs: 1 };
    issuer.documents(asked).then(
      (text) => response.end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  issuer = await createTestIssuer({ url: `https://localhost:${port}`, now: () => Date.now(), alg: "ES256" });
});
afterAll(async () => {
  await plane?.stop();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const start = (authentication: unknown) =>
  startControlPlane({ platform, data: join(folder, "data"), host: "127.0.0.1", port: 0, authentication });

test("a configuration that is none ends the start with a line that says why", async () => {
  await expect(start(configurationOf({ url: "http://localhost" }))).rejects.toThrow(
    /^the authentication configuration is not valid: jwt\[0\].issuer.url: .*URL scheme must be https$/,
  );
  await expect(start(configurationOf({ url: "https://kubernetes.default.svc.cluster.local" }))).rejects.toThrow(
    /disallowed issuers/,
  );
});

test("its tokens are believed in the cluster at the root, as long as they are good", async () => {
  plane = await start(configurationOf(issuer, { issuer: { certificateAuthority: ca } }));
  const https = createHttpsFetch({ ca: plane.clusterCa });
  const { url } = plane;
  const whoAmI = async (token: string): Promise<[number, string | undefined]> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const path = `${url}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
    const response = await https.fetch(new Request(path, { method: "POST", headers, body: "{}" }));
    const { status } = (await response.json()) as { status?: { userInfo?: { username?: string } } };
    return [response.status, status?.userInfo?.username];
  };
  expect(await whoAmI(await issuer.token())).toEqual([201, "ext:jane"]);
  expect((await whoAmI(await issuer.token({ aud: "other" })))[0]).toBe(401);
  expect((await whoAmI(await issuer.token({ exp: 1 })))[0]).toBe(401);
  https.close();
});
