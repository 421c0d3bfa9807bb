/** A test cluster behind the TLS server of the Node product, in this process: for what happens between a socket and the API. */
import { DEFAULT_CLUSTER_CONFIG } from "../../src/cluster.ts";
import { issueServerIdentity } from "../../src/pki/server-identity.ts";
import { createConnectionCertificates } from "../../src/platform/node/client-certificates.ts";
import { startServer, type ServerFetch } from "../../src/platform/node/server.ts";
import { createUpgrades } from "../../src/platform/node/upgrade.ts";
import { ADMIN_TOKEN, createTestCluster, type TestCluster, type TestClusterOptions } from "./cluster.ts";

export interface ServedCluster {
  api: TestCluster;
  /** "https://127.0.0.1:PORT" */
  url: string;
  host: string;
  port: number;
  /** PEM. */
  ca: string;
  token: string;
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 200;

export async function serveTestCluster(options: TestClusterOptions = {}): Promise<ServedCluster> {
  const certificates = createConnectionCertificates();
  const api = await createTestCluster({ clientCertificate: (request) => certificates.of(request), ...options });
  const host = "127.0.0.1";
  const fetch: ServerFetch = (request, incoming) => {
    certificates.received(request, incoming);
    return api.app.fetch(request);
  };
  try {
    const { keys, platform } = api.cluster;
    const identity = await issueServerIdentity({
      keys,
      clock: platform.clock,
      cluster: DEFAULT_CLUSTER_CONFIG,
      hosts: [host],
    });
    const server = await startServer({
      host,
      port: 0,
      identity: { key: identity.keyPem, certificate: identity.certificatePem },
      clientCa: keys.clusterCa,
      fetch,
    });
    createUpgrades(platform).attach(server.http, fetch);
    return {
      api,
      url: `https://${host}:${server.port}`,
      host,
      port: server.port,
      ca: keys.clusterCa,
      token: ADMIN_TOKEN,
      async stop() {
        await api.hub.stop();
        await server.stop(STOP_GRACE_MS);
        await api.stop();
      },
    };
  } catch (error) {
    await api.stop();
    throw error;
  }
}
