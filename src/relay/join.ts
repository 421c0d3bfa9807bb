/** A machine becomes a node, and stays one: join by token, renewal by key. */
import { MASTERS_GROUP, type User } from "../authn/authenticator.ts";
import { looksLikeBootstrapToken, verifyBootstrapToken } from "../authn/bootstrap-token.ts";
import { thumbprint, verifyProof, type NodePublicKey } from "../authn/key-proof.ts";
import { userOf, type NodeCredentials, type NodeIdentity } from "../authn/node-credential.ts";
import type { Cluster } from "../cluster.ts";
import { nodes } from "../kinds/core/nodes/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { badRequest, isStatusError, StatusError } from "../machinery/status-error.ts";
import { BACKDATE_MS } from "../pki/certificates.ts";
import { kubernetesServiceNames } from "../pki/server-identity.ts";
import { assertClaimable, claimNode, ensureLease, readOrUndefined, type ClientFor } from "./node-registration.ts";
import { NODE_KEY_ANNOTATION, type JoinRequest, type JoinResponse, type RenewRequest } from "./protocol.ts";

export interface JoinDeps {
  cluster: Pick<Cluster, "keys" | "platform" | "config">;
  credentials: NodeCredentials;
  clientFor: ClientFor;
}

/** Reads and marks join tokens; nobody can sign in as it. */
const JOIN_USER: User = { name: "system:gantry:join", groups: [MASTERS_GROUP] };
/** A node that the control plane is lost to for a while keeps answering its pods. */
const RELAY_CERTIFICATE_MS = 30 * 24 * 3_600_000;
/** RFC 1123 subdomain. */
const NODE_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** @throws StatusError "Unauthorized" for the token or proof, "Conflict" for another machine's name, "BadRequest" */
export async function join(
  deps: JoinDeps,
  token: string | undefined,
  body: Partial<JoinRequest>,
): Promise<JoinResponse> {
  const { clock, log } = deps.cluster.platform;
  if (token === undefined || !looksLikeBootstrapToken(token))
    throw new StatusError("Unauthorized", "a join token is needed");
  const system = deps.clientFor(JOIN_USER);
  const bootstrap = await verifyBootstrapToken({ client: system, clock, token });
  const { nodeName, publicKey, proof } = checked(body);
  const identity: NodeIdentity = { nodeName, keyThumbprint: await thumbprint(publicKey) };
  await verifyProof({ proof, key: publicKey, purpose: "join", token, nowMs: clock.now() });

  const client = deps.clientFor(userOf(identity));
  const existing = await readOrUndefined(client.get<KubeObject>(nodes, { name: nodeName }));
  // Before the token is used up: a wrong name should cost the owner nothing.
  assertClaimable(existing, identity);
  await bootstrap.consume(identity.keyThumbprint);
  const node = await claimNode({ client, identity, existing, labels: nodeLabels(nodeName, body) });
  await ensureLease({ client, system, node, clock });
  log.info("a node has joined", { node: nodeName, token: bootstrap.id });
  return answer(deps, identity, publicKey);
}

/** @throws StatusError "Unauthorized" when the credential, the proof or the Node's key does not fit */
export async function renew(
  deps: JoinDeps,
  credential: string | undefined,
  body: Partial<RenewRequest>,
): Promise<JoinResponse> {
  if (credential === undefined) throw new StatusError("Unauthorized", "a node credential is needed");
  const { publicKey, proof } = body;
  // Without them nobody has shown who he is: that comes before what is wrong with the request.
  if (!isPublicKey(publicKey) || typeof proof !== "string")
    throw new StatusError("Unauthorized", "publicKey and proof are needed");
  const identity = await deps.credentials.verifyRenewal({ credential, publicKey, proof });
  const client = deps.clientFor(userOf(identity));
  const node = await readOrUndefined(client.get<KubeObject>(nodes, { name: identity.nodeName }));
  assertOwner(node, identity);
  return answer(deps, identity, publicKey);
}

/** @throws StatusError "Unauthorized" when the Node was deleted or is another key's: the agent must join again */
export function assertOwner(node: KubeObject | undefined, { nodeName, keyThumbprint }: NodeIdentity): void {
  if (node?.metadata.annotations?.[NODE_KEY_ANNOTATION] === keyThumbprint) return;
  throw new StatusError(
    "Unauthorized",
    node === undefined ? `node "${nodeName}" was deleted: join again` : `node "${nodeName}" belongs to another key`,
  );
}

async function answer(deps: JoinDeps, identity: NodeIdentity, publicKey: NodePublicKey): Promise<JoinResponse> {
  const { keys, platform, config } = deps.cluster;
  const { dnsDomain, serviceCidr, kubernetesServiceIp } = config;
  const { kty, crv, x, y } = publicKey;
  const now = platform.clock.now();
  const [{ credential, expiresMs }, relayCertificate] = await Promise.all([
    deps.credentials.issue(identity),
    keys.issueServingCertificate({
      commonName: `gantry-relay:${identity.nodeName}`.slice(0, 64),
      dnsNames: kubernetesServiceNames(dnsDomain),
      ipAddresses: [kubernetesServiceIp],
      publicKey: await crypto.subtle.importKey("jwk", { kty, crv, x, y }, { name: "ECDSA", namedCurve: crv }, true, [
        "verify",
      ]),
      notBeforeMs: now - BACKDATE_MS,
      notAfterMs: now + RELAY_CERTIFICATE_MS,
    }),
  ]);
  return {
    nodeName: identity.nodeName,
    credential,
    expiresMs,
    clusterCa: keys.clusterCa,
    relayCertificate,
    cluster: { dnsDomain, serviceCidr, kubernetesServiceIp },
  };
}

function checked(body: Partial<JoinRequest>): Pick<JoinRequest, "nodeName" | "publicKey" | "proof"> {
  const { nodeName, publicKey, proof } = body;
  if (typeof nodeName !== "string" || !NODE_NAME.test(nodeName))
    throw badRequest("nodeName must be a lower-case DNS subdomain");
  if (!isPublicKey(publicKey) || typeof proof !== "string") throw badRequest("publicKey and proof are needed");
  return { nodeName, publicKey, proof };
}

function isPublicKey(key: unknown): key is NodePublicKey {
  const { kty, crv, x, y } = (key ?? {}) as Partial<NodePublicKey>;
  return kty === "EC" && crv === "P-256" && typeof x === "string" && typeof y === "string";
}

function nodeLabels(nodeName: string, { os, arch }: Partial<JoinRequest>): Record<string, string> {
  const labels: Record<string, string> = { "kubernetes.io/hostname": nodeName };
  if (typeof os === "string" && LABEL_VALUE.test(os)) labels["kubernetes.io/os"] = os;
  if (typeof arch === "string" && LABEL_VALUE.test(arch)) labels["kubernetes.io/arch"] = arch;
  return labels;
}

/** For answers inside a sync: never more than the public text. */
export function outcomeOf(error: unknown): { code: number; message: string } {
  return isStatusError(error) ? { code: error.code, message: error.message } : { code: 500, message: "internal error" };
}
