/**
 * What agent and control plane say to each other. The agent only ever dials out.
 *
 * - `POST /agent/v1/join`    bootstrap token → node credential (JoinRequest → JoinResponse)
 * - `POST /agent/v1/renew`   node credential + proof of the key → a new one (RenewRequest → JoinResponse)
 * - `POST /agent/v1/sync`    SyncRequest → SyncResponse
 * - `GET  /agent/v1/ca`      PEM of the cluster's CA, for anybody: an agent that was given its fingerprint checks it before it trusts it
 * - `GET  /agent/v1/tunnel`  WebSocket, JSON text frames: TunnelMessage in both directions
 * - `GET  /agent/v1/streams/{id}?ticket=…`   WebSocket: the agent's end of an exec, attach or port-forward, or of a WebSocket that is
 *   proxied (then with `&subprotocol=`, the one that the pod has chosen)
 * - `POST /agent/v1/streams/{id}?ticket=…`   the body is the agent's end of an HTTP stream: a log, or what a pod answers (proxy-answer.ts)
 * - `GET  /agent/v1/streams/{id}?ticket=…`   no upgrade: the body of a request that is proxied
 */
import type { KubeObject } from "../machinery/meta.ts";

/** Public half of the node's ECDSA P-256 key, as a JWK without private members. */
export interface PublicKeyJwk {
  kty: "EC";
  crv: "P-256";
  x: string;
  y: string;
}

/** Authorization: Bearer <bootstrap token "id.secret">. */
export interface JoinRequest {
  nodeName: string;
  publicKey: PublicKeyJwk;
  /** JWS by the node's key over the token's hash: who only overheard a join cannot repeat it. See authn/key-proof.ts. */
  proof: string;
  /** As in Go: "linux", "amd64". Become labels of the Node. */
  os?: string;
  arch?: string;
}

/**
 * Authorization: Bearer <the credential that ends soon, or has ended>. `proof` is a JWS by the node's key over the credential's hash.
 * 401 also when the Node was deleted or belongs to another key: join again.
 */
export interface RenewRequest {
  publicKey: PublicKeyJwk;
  proof: string;
}

export interface JoinResponse {
  nodeName: string;
  /** JWT, bound to the node's key; Authorization: Bearer on every other call. */
  credential: string;
  /** Unix ms. */
  expiresMs: number;
  /** PEM of the cluster's CA: what pods get as ca.crt. */
  clusterCa: string;
  /** PEM of a certificate for the node's key, by the cluster's CA, for kubernetes.default.svc and the ClusterIP of `kubernetes`. */
  relayCertificate: string;
  /** What this cluster is configured with. */
  cluster: { dnsDomain: string; serviceCidr: string; kubernetesServiceIp: string };
}

export interface ObjectName {
  namespace: string;
  name: string;
}

export interface SyncRequest {
  /** The newest revision this agent has applied; 0 asks for everything. */
  since: number;
  /** SHA-256 (hex) over the sorted "uid" of the pods it holds: a wrong one gets the full set. */
  digest: string;
  /** Statuses that changed since they were last accepted. */
  podStatuses: { namespace: string; name: string; uid: string; status: Record<string, unknown> }[];
  /** Node status (addresses, capacity, conditions, nodeInfo), when it changed. */
  nodeStatus?: Record<string, unknown>;
  /** It keeps the peers that it was told of last, so they need not come with each answer. */
  keepsPeers?: boolean;
  /** Secrets and ConfigMaps its pods reference and that it already holds; others that its pods reference are sent whatever their age. */
  holds: { secrets: ObjectName[]; configMaps: ObjectName[] };
  /** Of those that its pods reference, what there was not at `since` (SyncResponse.absent): looked for again only where it has changed. */
  lacks?: { secrets: ObjectName[]; configMaps: ObjectName[] };
}

export interface SyncResponse {
  /** Send this as `since` next time. */
  revision: number;
  /** The lists below are complete: drop what is not in them. Otherwise they are changes. */
  full: boolean;
  node: KubeObject | undefined;
  pods: KubeObject[];
  /** Names and uids of pods that are gone or are this node's no more (only where not full). */
  removedPods: (ObjectName & { uid: string })[];
  secrets: KubeObject[];
  configMaps: KubeObject[];
  /** Secrets and ConfigMaps that the node's pods reference and that do not exist; absent where there are none. */
  absent?: { secrets: ObjectName[]; configMaps: ObjectName[] };
  services: KubeObject[];
  endpointSlices: KubeObject[];
  /** Services and EndpointSlices that are gone (only where not full). */
  removedServices: ObjectName[];
  removedEndpointSlices: ObjectName[];
  /** Where other nodes' pods live, for routes: complete, or absent where an agent that keeps them knows them all. */
  peers?: { name: string; address: string; podCidr: string }[];
  /** One answer per pod status, in order; 200, 404 (gone), 409 (another uid), 403, 422. */
  statusResults: { uid: string; code: number; message?: string }[];
  /** Answer to `nodeStatus`; 200, 403, 422 … */
  nodeStatusResult?: { code: number; message?: string };
}

/** What a client asked of a pod. */
export interface StreamTarget {
  kind: "exec" | "attach" | "log" | "portforward" | "proxy";
  namespace: string;
  pod: string;
  uid: string;
  /** The query of the client's request, e.g. container, command, stdin, tty, follow, tailLines, ports. */
  query: string;
  /** The WebSocket subprotocol to speak: "v5.channel.k8s.io", "channel.k8s.io", "SPDY/3.1+portforward.k8s.io" … */
  subprotocol?: string;
  /** Of a proxy. Its pod may be "": then it is the node that is asked. */
  proxy?: ProxyRequest;
}

/** A request that is handed on. */
export interface ProxyRequest {
  scheme: "http" | "https";
  /** Of the pod, or of the node; absent for what a kubelet would serve itself. */
  port?: number;
  /** Which of the pod's addresses; the agent knows them itself and dials no other. */
  address: string;
  method: string;
  /** With its query, e.g. "/a%20b?c=d". */
  path: string;
  /** Names in lower case; Host among them. */
  headers: [name: string, value: string][];
  /** There is a body to be fetched. */
  hasBody: boolean;
  /** What links of the answer must begin with, e.g. "/api/v1/namespaces/n/pods/p/proxy". */
  prefix: string;
  /** It asks for a WebSocket. */
  upgrade?: { subprotocols: string[] };
}

export type TunnelMessage =
  /** hub → agent: there is something to sync, up to this revision. An agent that has applied it already need not ask. */
  | { type: "wake"; revision?: number }
  /** hub → agent: dial /agent/v1/streams/{id} with the ticket and serve the target there. */
  | { type: "open"; id: string; ticket: string; target: StreamTarget }
  /** agent → hub: the stream cannot be served; the client gets this answer. */
  | { type: "refuse"; id: string; code: number; message: string }
  /** agent → hub: Secrets and ConfigMaps whose changes concern this node ("namespace/name"). */
  | { type: "interest"; secrets: string[]; configMaps: string[] };

/** Plain-text heartbeat, answered by the runtime without waking the hub. */
export const PING = "ping";
export const PONG = "pong";
export const HEARTBEAT_INTERVAL_MS = 10_000;

/** Annotation of a Node: RFC 7638 thumbprint of the key that claimed its name. */
export const NODE_KEY_ANNOTATION = "gantry.dev/node-key";
/** Header of a sync that is sent without a tunnel: "down". Such a sync is itself the node's sign of life. */
export const TUNNEL_HEADER = "gantry-tunnel";

/** Close codes of the tunnel (the private range of RFC 6455). */
export const CLOSE_REPLACED = 4001;
/** The agent reads too slowly. */
export const CLOSE_SLOW = 4002;
/** The Node was deleted: the agent has to join again. */
export const CLOSE_DELETED = 4003;
