/** The credential of a node's agent: a short-lived JWT that names the node and its key (RFC 7800 `cnf`). */
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from "jose";
import { StatusError } from "../machinery/status-error.ts";
import type { ClusterKeys } from "../pki/cluster-keys.ts";
import type { Clock } from "../platform/platform.ts";
import { NODE_USER_PREFIX, NODES_GROUP, type Authenticator, type User } from "./authenticator.ts";
import { thumbprint, verifyProof, type NodePublicKey } from "./key-proof.ts";

/** In the protected header: tells these tokens from service accounts' before anything is verified. */
const TYPE = "gantry-node+jwt";
const AUDIENCE = "gantry.dev/node";
const LIFETIME_MS = 3_600_000;
/**
 * A node that was switched off longer than a credential lives may still renew it with its key, for this long; deleting its Node object
 * ends that at once.
 */
const RENEWAL_MS_MAX = 30 * 24 * 3_600_000;
/** `extra` of a node's User: the thumbprint of its key. */
export const NODE_KEY_EXTRA = "authentication.gantry.dev/node-key";

export interface NodeIdentity {
  nodeName: string;
  /** RFC 7638 thumbprint of the node's key. */
  keyThumbprint: string;
}

export interface NodeCredentials extends Authenticator {
  issue(identity: NodeIdentity): Promise<{ credential: string; expiresMs: number }>;
  /**
   * Who may get a new credential for this one: it may have expired, but the proof must be fresh and made with the key it names.
   * The caller checks that the Node object still records that key. @throws StatusError "Unauthorized"
   */
  verifyRenewal(request: { credential: string; publicKey: NodePublicKey; proof: string }): Promise<NodeIdentity>;
}

/** `issuer` is the cluster's; node credentials are issued under a path of it so that no other authenticator takes them for its own. */
export function createNodeCredentials(deps: {
  keys: Pick<ClusterKeys, "tokenKeys" | "tokenKey">;
  clock: Clock;
  issuer: string;
}): NodeCredentials {
  const { keys, clock } = deps;
  const issuer = `${deps.issuer}/nodes`;

  async function verify(token: string, toleranceMs: number): Promise<NodeIdentity> {
    const { kid } = decodeProtectedHeader(token);
    const key = kid === undefined ? undefined : await keys.tokenKey(kid);
    if (!key) throw new StatusError("Unauthorized", "the node credential was signed by another cluster");
    try {
      const { payload } = await jwtVerify(token, key.publicKey, {
        issuer,
        audience: AUDIENCE,
        algorithms: ["ES256"],
        typ: TYPE,
        requiredClaims: ["sub", "exp", "cnf"],
        currentDate: new Date(clock.now()),
        clockTolerance: toleranceMs / 1000,
      });
      const { jkt } = payload.cnf as { jkt?: unknown };
      const subject = payload.sub ?? "";
      if (typeof jkt !== "string" || !subject.startsWith(NODE_USER_PREFIX)) throw new Error("incomplete claims");
      return { nodeName: subject.slice(NODE_USER_PREFIX.length), keyThumbprint: jkt };
    } catch (cause) {
      const expired = cause instanceof errors.JWTExpired;
      throw new StatusError("Unauthorized", `the node credential ${expired ? "has expired" : "is not valid"}`, {
        cause,
      });
    }
  }

  return {
    async issue({ nodeName, keyThumbprint }) {
      const [key] = keys.tokenKeys;
      if (!key) throw new Error("the cluster has no token key");
      // JWT times are whole seconds.
      const nowSeconds = Math.floor(clock.now() / 1000);
      const expiresSeconds = nowSeconds + LIFETIME_MS / 1000;
      const credential = await new SignJWT({ cnf: { jkt: keyThumbprint } })
        .setProtectedHeader({ alg: "ES256", kid: key.keyId, typ: TYPE })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(NODE_USER_PREFIX + nodeName)
        .setIssuedAt(nowSeconds)
        .setExpirationTime(expiresSeconds)
        .sign(key.privateKey);
      return { credential, expiresMs: expiresSeconds * 1000 };
    },

    async authenticate({ token }) {
      if (token === undefined || !isNodeCredential(token)) return undefined;
      return userOf(await verify(token, 0));
    },

    async verifyRenewal({ credential, publicKey, proof }) {
      if (!isNodeCredential(credential)) throw new StatusError("Unauthorized", "a node credential is needed");
      const identity = await verify(credential, RENEWAL_MS_MAX);
      if ((await thumbprint(publicKey)) !== identity.keyThumbprint)
        throw new StatusError("Unauthorized", "the credential is bound to another key");
      await verifyProof({ proof, key: publicKey, purpose: "renew", token: credential, nowMs: clock.now() });
      return identity;
    },
  };
}

function isNodeCredential(token: string): boolean {
  if (token.split(".").length !== 3) return false;
  try {
    return decodeProtectedHeader(token).typ === TYPE;
  } catch {
    return false;
  }
}

export function userOf({ nodeName, keyThumbprint }: NodeIdentity): User {
  return {
    name: NODE_USER_PREFIX + nodeName,
    groups: [NODES_GROUP],
    extra: { [NODE_KEY_EXTRA]: [keyThumbprint] },
  };
}

/** The node a user is, if it authenticated with a node credential. */
export function nodeIdentityOf(user: User | undefined): NodeIdentity | undefined {
  const keyThumbprint = user?.extra?.[NODE_KEY_EXTRA]?.[0];
  if (user === undefined || keyThumbprint === undefined) return undefined;
  if (!user.name.startsWith(NODE_USER_PREFIX) || !user.groups.includes(NODES_GROUP)) return undefined;
  return { nodeName: user.name.slice(NODE_USER_PREFIX.length), keyThumbprint };
}
