/** One agent: joins, keeps in touch, runs what it is told. One call starts it, one stops it; nothing outlives the stop but the pods. */
import { join } from "node:path";
import type { Client } from "../src/client/client.ts";
import { createClient } from "../src/client/fetch-client.ts";
import { pods } from "../src/kinds/core/pods/types.ts";
import { serviceAccounts } from "../src/kinds/core/serviceaccounts/types.ts";
import { isStatusError, StatusError } from "../src/machinery/status-error.ts";
import type { Platform } from "../src/platform/platform.ts";
import { TUNNEL_HEADER, type JoinResponse, type SyncResponse, type TunnelMessage } from "../src/relay/protocol.ts";
import { startApiRelay, type ApiRelay } from "./api-relay.ts";
import type { Engine } from "./engines/engine.ts";
import { createEventRecorder } from "./event-recorder.ts";
import { createHttpsFetch, type HttpsFetch } from "./https-fetch.ts";
import { openIdentity, readAnswer, type NodeIdentity } from "./join.ts";
import type { PodNetwork } from "./network/pod-network.ts";
import { createNodeAgent, LogError, type NodeAgent, type NodeAgentDeps } from "./node-agent.ts";
import { ownAddress } from "./streams/serve-proxy.ts";
import { createStreamServer, type ServedPods } from "./streams/stream-server.ts";
import { createSyncLoop, type SyncLoop } from "./sync-loop.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";
import type { PodToken } from "./volumes/tokens.ts";

export interface StartAgentOptions {
  platform: Platform;
  /** e.g. "https://api.example.com" */
  server: string;
  /** Needed once; see openIdentity. */
  token?: string | undefined;
  /** PEM of who signed the server's certificate; undefined trusts what the system trusts. */
  ca?: string | undefined;
  nodeName: string;
  dataDirectory: string;
  engine: Engine;
  /** Called once the node has joined and its relay listens. */
  createNetwork(context: NetworkContext): PodNetwork | Promise<PodNetwork>;
  /** Where the relay to the API listens. Default every address, a port of the system's choice. */
  relay?: { host: string; port: number };
  nodeAddress?: string;
  clusterDns?: () => string | undefined;
}

export interface NetworkContext {
  cluster: JoinResponse["cluster"];
  /** Port on this machine to which the `kubernetes` ClusterIP leads. */
  relayPort: number;
  node: () => NodeAgent;
}

export interface RunningAgent {
  node: NodeAgent;
  identity: NodeIdentity;
  relayPort: number;
  tunnelConnected(): boolean;
  stop(options: { killPods: boolean }): Promise<void>;
}

const JOIN_RETRY_MS_MAX = 15_000;

/** @throws StatusError when the control plane refuses the node; waits for one that is out of reach. */
export async function startAgent(options: StartAgentOptions): Promise<RunningAgent> {
  const { platform, server, nodeName, dataDirectory } = options;
  const https = createHttpsFetch({ ca: options.ca });
  const undo: (() => unknown)[] = [() => https.close()];
  try {
    const identity = await joinPatiently(options, https);
    undo.push(() => identity.stop());
    const relay = await startRelay(options, identity);
    undo.push(() => relay.stop());
    const client = createClient({
      baseUrl: server,
      fetch: https.fetch,
      token: () => identity.credential(),
      userAgent: `gantry-agent/${nodeName}`,
    });
    const context: NetworkContext = { cluster: identity.current().cluster, relayPort: relay.port, node: () => node };
    const network = await options.createNetwork(context);
    const node: NodeAgent = createNodeAgent({
      ...nodeDeps(options, identity, client),
      network,
      stateDirectory: join(dataDirectory, "state"),
      recordEvent: createEventRecorder({ client, nodeName, platform }),
    });
    await node.restore();
    const link = connect(options, { https, identity, node });
    return {
      node,
      identity,
      relayPort: relay.port,
      tunnelConnected: () => link.tunnel.connected(),
      async stop({ killPods }) {
        // While its pods end, the node still reports.
        await node.stop({ killPods });
        await link.stop();
        for (const step of undo.toReversed()) await step();
        await options.engine.close();
      },
    };
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

/** A server that is not there yet is waited for; one that says no is final. */
async function joinPatiently(options: StartAgentOptions, { fetch }: HttpsFetch): Promise<NodeIdentity> {
  const { platform, dataDirectory, server, nodeName, token } = options;
  const directory = join(dataDirectory, "identity");
  for (let attempt = 1; ; attempt++) {
    try {
      return await openIdentity({ server, nodeName, token, directory, fetch, platform });
    } catch (error) {
      if (!isTransient(error)) throw error;
      platform.log.warn("the control plane cannot be reached: trying again", { server, error });
      const delayMs = Math.min(JOIN_RETRY_MS_MAX, 500 * 2 ** attempt) * (0.5 + platform.random.fraction() / 2);
      await new Promise<void>((resolve) => void platform.timers.after(delayMs, resolve));
    }
  }
}

const TRANSIENT = new Set(["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"]);

function isTransient(error: unknown): boolean {
  if (isStatusError(error)) return error.code >= 500;
  return TRANSIENT.has((error as { code?: string }).code ?? "");
}

async function startRelay(options: StartAgentOptions, identity: NodeIdentity): Promise<ApiRelay> {
  const { server, ca, platform } = options;
  const relay = await startApiRelay({
    ...(options.relay ?? { host: "0.0.0.0", port: 0 }),
    keyPem: identity.keyPem,
    certificatePem: identity.current().relayCertificate,
    server,
    ca: () => ca,
    log: platform.log,
  });
  identity.onRenewed(({ relayCertificate }) => relay.renew(relayCertificate));
  return relay;
}

function nodeDeps(
  options: StartAgentOptions,
  identity: NodeIdentity,
  client: Client,
): Omit<NodeAgentDeps, "network" | "stateDirectory" | "recordEvent"> {
  const { platform, engine, nodeName, nodeAddress, clusterDns } = options;
  return {
    ...platform,
    engine,
    nodeName,
    podToken: createPodToken(client),
    clusterCa: () => identity.current().clusterCa,
    cluster: identity.current().cluster,
    ...(nodeAddress === undefined ? {} : { nodeAddress }),
    ...(clusterDns === undefined ? {} : { clusterDns }),
    async deletePod({ namespace, name, uid }) {
      try {
        await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        // Gone, or another pod of that name: this one is no more.
        if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
      }
    },
  };
}

interface TokenRequestStatus {
  status: { token: string; expirationTimestamp: string };
}

/** Tokens bound to the pod: they end with it. */
function createPodToken(client: Client): PodToken {
  return async ({ namespace, serviceAccount, podName, podUid, audience, expirationSeconds }) => {
    const answer = await client.createSubresource<TokenRequestStatus>(
      serviceAccounts,
      { namespace, name: serviceAccount },
      "token",
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          audiences: audience === undefined ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name: podName, uid: podUid },
        },
      },
    );
    const { token, expirationTimestamp } = answer.status;
    return { token, expiresMs: Date.parse(expirationTimestamp) };
  };
}

interface Link {
  loop: SyncLoop;
  tunnel: Tunnel;
  stop(): Promise<void>;
}

/** Sync loop, tunnel and streams, each told of the others. */
function connect(
  options: StartAgentOptions,
  { https, identity, node }: { https: HttpsFetch; identity: NodeIdentity; node: NodeAgent },
): Link {
  const { platform, server, ca, engine } = options;
  const common = { server, credential: () => identity.credential(), ca: () => ca };
  const renew = () => identity.renew();
  let told = "";
  const tellInterest = () => {
    const interest: TunnelMessage = { type: "interest", ...node.interest() };
    const text = JSON.stringify(interest);
    if (text === told || !tunnel.connected()) return;
    told = text;
    tunnel.send(interest);
  };
  const streams = createStreamServer({
    ...common,
    pods: servedPods(node),
    engine,
    fetch: https.fetch,
    send: (message) => tunnel.send(message),
    log: platform.log,
  });
  const loop = createSyncLoop({
    node: {
      ...node,
      apply(answer) {
        node.apply(answer);
        tellInterest();
      },
    },
    platform,
    onUnauthorized: renew,
    async send(request, { tunnelUp }) {
      const response = await https.fetch(
        new Request(`${server}/agent/v1/sync`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${identity.credential()}`,
            "content-type": "application/json",
            [TUNNEL_HEADER]: tunnelUp ? "up" : "down",
          },
          body: JSON.stringify(request),
          signal: AbortSignal.timeout(SYNC_MS_MAX),
        }),
      );
      return readAnswer<SyncResponse>(response);
    },
  });
  const tunnel = openTunnel({
    ...common,
    platform,
    onMessage(message) {
      if (message.type === "wake") loop.wake(message.revision);
      else if (message.type === "open") streams.serve(message);
    },
    onUp() {
      told = "";
      tellInterest();
      loop.tunnelIs("up");
    },
    onDown({ refused }) {
      loop.tunnelIs("down");
      if (refused) renew().catch((error: unknown) => platform.log.warn("no new credential", { error }));
    },
  });
  loop.start();
  return {
    loop,
    tunnel,
    async stop() {
      streams.stop();
      tunnel.stop();
      await loop.stop();
    },
  };
}

/** A request that takes longer has been lost. */
const SYNC_MS_MAX = 30_000;

function servedPods(node: NodeAgent): ServedPods {
  return {
    async findContainer({ namespace, pod, uid, container }) {
      const found = node.findContainer({ namespace, pod, uid, container: container ?? "" });
      if (found === undefined) throw new StatusError("NotFound", `container not found ("${container ?? ""}")`);
      if (found.state !== "running")
        throw new StatusError("BadRequest", `container "${container ?? ""}" in pod "${pod}" is not running`);
      return { id: found.containerId };
    },
    async findSandbox({ namespace, pod, uid }) {
      const id = node.findSandbox({ namespace, pod, uid });
      if (id === undefined)
        throw new StatusError("NotFound", `pod "${pod}" in namespace "${namespace}" is not running`);
      return { id };
    },
    addressOf({ namespace, pod, uid }, asked) {
      const own = pod === "" ? node.addresses() : node.addresses({ namespace, pod, uid });
      const address = ownAddress(own, asked);
      if (address === undefined)
        throw new StatusError("NotFound", `pod "${pod}" in namespace "${namespace}" does not run`);
      return address;
    },
    page: (request) => node.page(request),
    async openLog({ container, ...at }, logOptions) {
      try {
        return node.openLog({ ...at, ...logOptions, container: container ?? "" });
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        throw new StatusError(error.code === 404 ? "NotFound" : "BadRequest", error.message);
      }
    },
  };
}
