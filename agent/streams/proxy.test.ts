import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import { startRelayServer } from "../../src/platform/node/testing/relay-server.ts";
import { createHttpsFetch } from "../https-fetch.ts";
import { openIdentity } from "../join.ts";
import { proxySuite } from "./proxy.suite.ts";

describe("proxied over Node's broker", () =>
  proxySuite(async () => {
    const platform = createNodePlatform({ level: "error" });
    const server = await startRelayServer(platform);
    const directory = await mkdtemp(join(tmpdir(), "gantry-proxy-"));
    const https = createHttpsFetch({ ca: server.ca });
    const { url, ca } = server;
    const nodeName = "n1";
    const token = await server.token();
    const identity = await openIdentity({ server: url, nodeName, token, directory, fetch: https.fetch, platform });
    return {
      url,
      ca,
      nodeName,
      credential: identity.credential(),
      fetch: https.fetch,
      // drainIncoming of @hono/node-server.
      unreadBytesMax: 64 * 1024 * 1024,
      async stop() {
        identity.stop();
        https.close();
        await server.stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  }));
