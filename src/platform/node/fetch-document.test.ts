/** Issuers' documents over real TLS, and where they are not fetched from. */
import type { lookup } from "node:dns";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { memorySettings } from "../../../test/harness/memory-settings.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../cluster.ts";
import { loadClusterKeys } from "../../pki/load-cluster-keys.ts";
import { issueServerIdentity } from "../../pki/server-identity.ts";
import { createFetchDocument } from "./fetch-document.ts";
import { createNodePlatform } from "./platform.ts";

const { clock, random } = createNodePlatform();
let server: Server;
let ca: string;
let port: number;
let requests = 0;

const answers: Record<string, RequestListener> = {
  "/ok": (_, response) => response.end('{"a":1}'),
  "/large": (_, response) => response.end("x".repeat(2_000)),
  "/moved": (_, response) => response.writeHead(302, { location: `https://localhost:${port}/ok` }).end(),
  "/failing": (_, response) => response.writeHead(500).end("{}"),
  "/hanging": () => {},
  "/dripping": (_, response) => void response.write("{"),
};

beforeAll(async () => {
  const keys = await loadClusterKeys({ settings: memorySettings(), masterKey: new Uint8Array(32), clock, random });
  const identity = await issueServerIdentity({ keys, clock, cluster: DEFAULT_CLUSTER_CONFIG });
  ca = keys.clusterCa;
  server = createServer({ key: identity.keyPem, cert: identity.certificatePem }, (request, response) => {
    requests++;
    answers[request.url ?? ""]?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const limits = { bytesMax: 1_000, timeoutMs: 300 };
const get = (path: string, certificateAuthority: string | undefined = ca, host = "localhost") =>
  createFetchDocument({ publicAddressesOnly: false })({
    ...limits,
    timeoutMs: path === "/ok" ? 10_000 : limits.timeoutMs,
    url: `https://${host}:${port}${path}`,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
  });

it("gets what a server of the given authority answers", async () => {
  expect(await get("/ok")).toBe('{"a":1}');
});

it("does not believe it without the authority, nor by another name", async () => {
  const url = `https://localhost:${port}/ok`;
  const fetchDocument = createFetchDocument({ publicAddressesOnly: false });
  await expect(fetchDocument({ ...limits, url })).rejects.toThrow(/certificate/);
  const named = createFetchDocument({ publicAddressesOnly: false, resolve: resolvingTo("127.0.0.1") });
  await expect(
    named({ ...limits, url: `https://issuer.example.com:${port}/ok`, certificateAuthority: ca }),
  ).rejects.toThrow();
});

it.each([
  ["/large", /more than 1000 bytes/],
  ["/moved", /answered 302/],
  ["/failing", /answered 500/],
  ["/hanging", /abort|timeout/i],
  ["/dripping", /abort|timeout/i],
])("%s is refused", async (path, why) => {
  await expect(get(path)).rejects.toThrow(why);
});

function resolvingTo(...addresses: string[]): typeof lookup {
  const all = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const resolve = (_host: string, _options: object, answer: (error: null, found: typeof all) => void): void =>
    answer(null, all);
  return resolve as unknown as typeof lookup;
}

it.each([["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["fd00::1"], ["8.8.8.8", "127.0.0.1"]])(
  "a public name that leads to %s is not dialled for strangers",
  async (...addresses) => {
    const before = requests;
    const fetchDocument = createFetchDocument({ publicAddressesOnly: true, resolve: resolvingTo(...addresses) });
    const asked = fetchDocument({ ...limits, url: `https://issuer.example.com:${port}/ok`, certificateAuthority: ca });
    await expect(asked).rejects.toThrow(/no public address/);
    expect(requests).toBe(before);
  },
);

it.each(["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])(
  "an address of ours is not dialled for strangers: %s",
  async (host) => {
    const fetchDocument = createFetchDocument({ publicAddressesOnly: true });
    const asked = fetchDocument({ ...limits, url: `https://${host}:${port}/ok`, certificateAuthority: ca });
    await expect(asked).rejects.toThrow(/no public address/);
  },
);
