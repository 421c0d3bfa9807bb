/**
 * Tokens of service accounts: ES256 JWTs with the claims of Kubernetes' bound tokens (KEP-1205), and of the older ones that a Secret
 * holds. A token is worth as much as the objects it names: when its ServiceAccount, Pod, Secret or Node is gone, or is another one of
 * the same name, so is the token.
 */
import { SignJWT, decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from "jose";
import { dayOf, DAY_MS, INVALID_SINCE_LABEL, LAST_USED_LABEL } from "../kinds/core/secrets/token-tracking.ts";
import type { Secret } from "../kinds/core/secrets/types.ts";
import type { ServiceAccount } from "../kinds/core/serviceaccounts/types.ts";
import { textFromBase64 } from "../machinery/base64.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { ClusterKeys } from "../pki/cluster-keys.ts";
import type { Clock, Random } from "../platform/platform.ts";
import { CREDENTIAL_ID, type Authenticator, type User } from "./authenticator.ts";

/** Reads one live object; undefined where there is none. `resource` is a group-resource: "pods", "serviceaccounts". */
export type ObjectLookup = (at: {
  resource: string;
  namespace: string;
  name: string;
}) => Promise<KubeObject | undefined>;

/** Sets one label of a Secret that is there. Never throws: a token is as good without. */
export type LabelSecret = (
  at: { namespace: string; name: string; uid: string },
  label: { key: string; value: string },
) => Promise<void>;

export interface BoundObject {
  name: string;
  uid: string;
}

export interface TokenRequest {
  namespace: string;
  serviceAccount: BoundObject;
  audiences: readonly string[];
  lifetimeSeconds: number;
  pod?: BoundObject;
  secret?: BoundObject;
  /** Alone, what the token is bound to; beside a pod, where that runs. */
  node?: BoundObject;
}

export interface ServiceAccountTokens extends Authenticator {
  /** `credentialId`: as users of the token show it. */
  issue(request: TokenRequest): Promise<{ token: string; expiresMs: number; credentialId: string }>;
  /** What a token without audiences of its own is for. */
  readonly audience: string;
}

interface PrivateClaims {
  namespace: string;
  serviceaccount: BoundObject;
  pod?: BoundObject;
  secret?: BoundObject;
  node?: BoundObject;
}

/** Tokens in Secrets have flat claims and an issuer of their own; both are fixed by Kubernetes (pkg/serviceaccount/legacy.go). */
const SECRET_TOKEN_ISSUER = "kubernetes/serviceaccount";
const SECRET_CLAIM = "kubernetes.io/serviceaccount/";

const GENERATED_TOKEN_WARNING =
  "Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.";

const CLAIM = "kubernetes.io";
export const SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:";
export const SERVICE_ACCOUNTS_GROUP = "system:serviceaccounts";

/** As users are named. */
export function serviceAccountName({ namespace, name }: { namespace: string; name: string }): string {
  return `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`;
}

export function serviceAccountUser(at: { namespace: string; name: string; uid?: string }): User {
  return {
    name: serviceAccountName(at),
    groups: [SERVICE_ACCOUNTS_GROUP, `${SERVICE_ACCOUNTS_GROUP}:${at.namespace}`],
    ...(at.uid === undefined ? {} : { uid: at.uid }),
  };
}

export function createServiceAccountTokens(deps: {
  keys: Pick<ClusterKeys, "tokenKeys" | "tokenKey">;
  clock: Clock;
  random: Random;
  issuer: string;
  lookup: ObjectLookup;
  labelSecret: LabelSecret;
}): ServiceAccountTokens {
  const { keys, clock, random, issuer, lookup, labelSecret } = deps;

  return {
    audience: issuer,

    async issue({ namespace, serviceAccount, audiences, lifetimeSeconds, pod, secret, node }) {
      const [key] = keys.tokenKeys;
      if (!key) throw new Error("the cluster has no key to sign tokens with");
      const nowSeconds = Math.floor(clock.now() / 1000);
      const claims: PrivateClaims = { namespace, serviceaccount: serviceAccount };
      if (pod) claims.pod = pod;
      if (secret) claims.secret = secret;
      if (node) claims.node = node;
      const expires = nowSeconds + lifetimeSeconds;
      const jti = random.uuid();
      const token = await new SignJWT({ [CLAIM]: claims })
        .setProtectedHeader({ alg: "ES256", kid: key.keyId })
        .setIssuer(issuer)
        .setSubject(`${SERVICE_ACCOUNT_PREFIX}${namespace}:${serviceAccount.name}`)
        .setAudience(audiences.length > 0 ? [...audiences] : [issuer])
        .setJti(jti)
        .setIssuedAt(nowSeconds)
        .setNotBefore(nowSeconds)
        .setExpirationTime(expires)
        .sign(key.privateKey);
      return { token, expiresMs: expires * 1000, credentialId: `JTI=${jti}` };
    },

    async authenticate({ token, audience }) {
      const keyId = token === undefined ? undefined : keyIdOf(token);
      if (token === undefined || keyId === undefined) return undefined;
      const key = await keys.tokenKey(keyId);
      if (!key) return undefined;
      if (issuerOf(token) === SECRET_TOKEN_ISSUER) {
        // It names no audience: it is for the API alone.
        if (audience !== undefined && audience !== issuer) return undefined;
        const held = await verified(token, { key: key.publicKey, issuer: SECRET_TOKEN_ISSUER });
        return held && (await userOfSecretToken(held, token));
      }
      const payload = await verified(token, { key: key.publicKey, issuer, audience: audience ?? issuer });
      return payload && (await userOf(payload));
    },
  };

  async function verified(
    token: string,
    { key, ...expected }: { key: CryptoKey; issuer: string; audience?: string },
  ): Promise<JWTPayload | undefined> {
    try {
      const options = { ...expected, algorithms: ["ES256"], currentDate: new Date(clock.now()) };
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      // Another issuer under the same keys (a node's credential): not ours to judge.
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === "iss") return undefined;
      throw unauthorized(error);
    }
  }

  async function userOfSecretToken(payload: JWTPayload, token: string): Promise<User> {
    const claim = (name: string) => (payload[SECRET_CLAIM + name] ?? "") as string;
    const namespace = claim("namespace");
    const account = { name: claim("service-account.name"), uid: claim("service-account.uid") };
    const secret: Secret | undefined = await lookup({ resource: "secrets", namespace, name: claim("secret.name") });
    const { metadata, data } = secret ?? {};
    if (!metadata || metadata.deletionTimestamp !== undefined) throw unauthorized();
    if (textFromBase64(data?.["token"] ?? "") !== token) throw unauthorized();
    const serviceAccount: ServiceAccount = await assertAlive({ resource: "serviceaccounts", namespace, ...account });
    await noteUse({ namespace, name: metadata.name ?? "", uid: metadata.uid ?? "" }, metadata.labels);
    if (metadata.labels?.[INVALID_SINCE_LABEL]) throw unauthorized();
    const user = serviceAccountUser({ namespace, ...account });
    const isGenerated = (serviceAccount.secrets ?? []).some(({ name }) => name === metadata.name);
    return {
      ...user,
      boundTo: [account.uid, metadata.uid ?? ""],
      audited: {
        "authentication.k8s.io/legacy-token": user.name,
        [`authentication.k8s.io/legacy-token-${isGenerated ? "autogenerated" : "manual"}-secret`]: metadata.name ?? "",
      },
      ...(isGenerated ? { warnings: [GENERATED_TOKEN_WARNING] } : {}),
    };
  }

  /** By the day: one write a day, however often it is used. */
  async function noteUse(
    secret: { namespace: string; name: string; uid: string },
    labels: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const nowMs = clock.now();
    const noted = labels[LAST_USED_LABEL];
    // Another process may be a day ahead.
    if (noted === dayOf(nowMs) || noted === dayOf(nowMs + DAY_MS)) return;
    await labelSecret(secret, { key: LAST_USED_LABEL, value: dayOf(nowMs) });
  }

  async function userOf(payload: JWTPayload): Promise<User> {
    const claims = payload[CLAIM] as PrivateClaims | undefined;
    if (!claims?.serviceaccount) throw unauthorized();
    const { namespace, serviceaccount, pod, secret, node } = claims;
    await assertAlive({ resource: "serviceaccounts", namespace, ...serviceaccount });
    if (pod) await assertAlive({ resource: "pods", namespace, ...pod });
    if (secret) await assertAlive({ resource: "secrets", namespace, ...secret });
    // Beside a pod the node only says where that runs.
    if (node && !pod) await assertAlive({ resource: "nodes", namespace: "", ...node });
    const boundTo = [serviceaccount, pod, secret, pod ? undefined : node].flatMap((bound) => bound?.uid ?? []);
    const extra: Record<string, readonly string[]> = {};
    if (payload.jti !== undefined) extra[CREDENTIAL_ID] = [`JTI=${payload.jti}`];
    if (pod) {
      extra["authentication.kubernetes.io/pod-name"] = [pod.name];
      extra["authentication.kubernetes.io/pod-uid"] = [pod.uid];
    }
    if (node) {
      extra["authentication.kubernetes.io/node-name"] = [node.name];
      extra["authentication.kubernetes.io/node-uid"] = [node.uid];
    }
    return { ...serviceAccountUser({ namespace, name: serviceaccount.name, uid: serviceaccount.uid }), extra, boundTo };
  }

  /** As Kubernetes, an object that is being deleted still vouches for a minute, so that a pod can end in order. */
  async function assertAlive(at: {
    resource: string;
    namespace: string;
    name: string;
    uid: string;
  }): Promise<KubeObject> {
    const object = await lookup(at);
    if (!object || object.metadata.uid !== at.uid) throw unauthorized();
    const { deletionTimestamp } = object.metadata;
    if (deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + 60_000 < clock.now()) throw unauthorized();
    return object;
  }
}

/** What a Secret of a service account holds. It has no end of its own. */
export async function signSecretToken(
  { tokenKeys: [key] }: Pick<ClusterKeys, "tokenKeys">,
  { namespace, serviceAccount, secret }: { namespace: string; serviceAccount: BoundObject; secret: string },
): Promise<string> {
  if (!key) throw new Error("the cluster has no key to sign tokens with");
  const claims = {
    namespace,
    "secret.name": secret,
    "service-account.name": serviceAccount.name,
    "service-account.uid": serviceAccount.uid,
  };
  return await new SignJWT(Object.fromEntries(Object.entries(claims).map(([name, is]) => [SECRET_CLAIM + name, is])))
    .setProtectedHeader({ alg: "ES256", kid: key.keyId })
    .setIssuer(SECRET_TOKEN_ISSUER)
    .setSubject(`${SERVICE_ACCOUNT_PREFIX}${namespace}:${serviceAccount.name}`)
    .sign(key.privateKey);
}

/** As the token says itself: nothing is verified. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function unauthorized(cause?: unknown): StatusError {
  return new StatusError("Unauthorized", "Unauthorized", { cause });
}

/** The key id of a JWT; undefined when it is none, or one of another type. */
export function keyIdOf(token: string): string | undefined {
  if (token.split(".").length !== 3) return undefined;
  try {
    const { kid, typ } = decodeProtectedHeader(token);
    return typ === undefined || typ === "JWT" ? kid : undefined;
  } catch {
    return undefined;
  }
}
