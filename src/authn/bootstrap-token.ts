/**
 * Join tokens: `id.secret`, kept as Secrets `bootstrap-token-<id>` in kube-system exactly as kubeadm keeps them
 * (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/), so `kubeadm token` and other tools understand them.
 */
import type { Client } from "../client/client.ts";
import { secrets, type Secret } from "../kinds/core/secrets/types.ts";
import { sameBytes } from "../machinery/constant-time.ts";
import { formatTime } from "../machinery/meta.ts";
import { isStatusError, StatusError } from "../machinery/status-error.ts";
import type { Clock, Random } from "../platform/platform.ts";

const NAMESPACE = "kube-system";
const TYPE = "bootstrap.kubernetes.io/token";
const NAME_PREFIX = "bootstrap-token-";
/** Ours: "true" lets one node join. kubeadm's tokens lack it and serve any number of nodes until they expire. */
const SINGLE_USE = "gantry.dev.single-use";
/** Thumbprint of the key that has used a single-use token, and when: that node may repeat a join whose answer was lost, for a while. */
const USED_BY = "gantry.dev.used-by";
const USED_AT = "gantry.dev.used-at";
const REPEAT_MS_MAX = 10 * 60_000;
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const LIFETIME_MS = 24 * 3_600_000;

type TokenSecret = Secret;

export interface BootstrapToken {
  id: string;
  singleUse: boolean;
  /**
   * Marks a single-use token as used by this key; the compare-and-swap on the Secret decides between two users at once.
   * Nothing to do for other tokens. @throws StatusError "Unauthorized" when another key has used it
   */
  consume(keyThumbprint: string): Promise<void>;
}

export function looksLikeBootstrapToken(token: string): boolean {
  return TOKEN.test(token);
}

const refused = (cause?: unknown) =>
  new StatusError("Unauthorized", "the join token is unknown, used or has expired", { cause });

/**
 * `client` may read and update Secrets in kube-system. Every refusal reads the same to the caller.
 * @throws StatusError "Unauthorized"
 */
export async function verifyBootstrapToken(deps: {
  client: Pick<Client, "get" | "update">;
  clock: Clock;
  token: string;
}): Promise<BootstrapToken> {
  const { client, clock } = deps;
  const [, id, given] = TOKEN.exec(deps.token) ?? [];
  if (id === undefined || given === undefined) throw refused();
  const secret = await readToken(client, id);
  const data = decoded(secret);
  const matches = await equalInConstantTime(given, data["token-secret"] ?? "");
  if (!matches || secret.type !== TYPE || data["token-id"] !== id) throw refused();
  if (data["usage-bootstrap-authentication"] !== "true" || secret.metadata.deletionTimestamp) throw refused();
  const { expiration } = data;
  // As with Kubernetes, an expiration that cannot be read counts as passed.
  if (expiration !== undefined && !(Date.parse(expiration) > clock.now())) throw refused();
  const singleUse = data[SINGLE_USE] === "true";
  return {
    id,
    singleUse,
    async consume(keyThumbprint) {
      if (!singleUse) return;
      const usedBy = data[USED_BY];
      const isRepeat = usedBy === keyThumbprint && clock.now() - Date.parse(data[USED_AT] ?? "") < REPEAT_MS_MAX;
      if (isRepeat) return;
      if (usedBy !== undefined) throw refused();
      await markUsed(client, secret, { [USED_BY]: keyThumbprint, [USED_AT]: formatTime(clock.now()) });
    },
  };
}

async function readToken(client: Pick<Client, "get">, id: string): Promise<TokenSecret> {
  try {
    return await client.get<TokenSecret>(secrets, { namespace: NAMESPACE, name: NAME_PREFIX + id });
  } catch (error) {
    if (isStatusError(error, "NotFound")) throw refused(error);
    throw error;
  }
}

async function markUsed(
  client: Pick<Client, "update">,
  secret: TokenSecret,
  use: Record<string, string>,
): Promise<void> {
  try {
    const data = {
      ...secret.data,
      ...Object.fromEntries(Object.entries(use).map(([key, value]) => [key, btoa(value)])),
    };
    await client.update<TokenSecret>(secrets, { ...secret, data });
  } catch (error) {
    if (isStatusError(error, "Conflict") || isStatusError(error, "NotFound")) throw refused(error);
    throw error;
  }
}

function decoded(secret: TokenSecret): Record<string, string> {
  const entries = Object.entries(secret.data ?? {}).map(([key, value]) => [key, atob(value)] as const);
  return Object.fromEntries(entries);
}

/** Compares digests under a random key: neither length nor common prefix shows in the time it takes. */
async function equalInConstantTime(a: string, b: string): Promise<boolean> {
  const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  if (!("algorithm" in key)) throw new Error("WebCrypto made no key");
  const [left, right] = await Promise.all(
    [a, b].map(async (text) => new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)))),
  );
  return left !== undefined && right !== undefined && sameBytes(left, right);
}

export interface NewBootstrapToken {
  /** How long it can be used. Default a day. */
  lifetimeMs?: number;
  /** Default true: a token that leaks after its use is worth nothing. */
  singleUse?: boolean;
  description?: string;
}

/** Makes a token and returns `id.secret`, which is shown once. `client` may create Secrets in kube-system. */
export async function createBootstrapToken(
  deps: { client: Pick<Client, "create">; clock: Clock; random: Random },
  options: NewBootstrapToken = {},
): Promise<string> {
  const { client, clock, random } = deps;
  const { lifetimeMs = LIFETIME_MS, singleUse = true, description } = options;
  const id = randomText(random, 6);
  const secret = randomText(random, 16);
  const values: Record<string, string> = {
    "token-id": id,
    "token-secret": secret,
    expiration: formatTime(clock.now() + lifetimeMs),
    "usage-bootstrap-authentication": "true",
    ...(singleUse ? { [SINGLE_USE]: "true" } : {}),
    ...(description === undefined ? {} : { description }),
  };
  await client.create<TokenSecret>(
    secrets,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: NAME_PREFIX + id, namespace: NAMESPACE },
      type: TYPE,
      data: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, toBase64Utf8(value)])),
    },
    { namespace: NAMESPACE },
  );
  return `${id}.${secret}`;
}

function toBase64Utf8(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Unpredictable lower-case letters and digits; bytes that would favour some of them are thrown away. */
function randomText(random: Random, length: number): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  const fair = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < fair && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}
