/**
 * The keys that an issuer publishes (OpenID Connect Discovery 1.0): fetched when a token first needs them, kept, and asked for again after
 * a while or when a token names a key that is not known. However many such tokens come, an issuer is asked once in a time; one that does
 * not answer is left alone as long, and what is known of it goes on until it is too old.
 */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Clock, Log } from "../../platform/platform.ts";
import type { Issuer } from "./configuration.ts";
import { urlFault, type IssuerRules } from "./validation.ts";

export interface DocumentAsked {
  url: string;
  /** PEM; absent: the public authorities. */
  certificateAuthority?: string;
  bytesMax: number;
  timeoutMs: number;
}

/**
 * GETs a text by HTTPS; the runtime's. Follows no redirects. Where the issuer was named by somebody who may not reach private networks,
 * neither does this. Rejects for whatever is no 200 of at most `bytesMax` in time.
 */
export type FetchDocument = (asked: DocumentAsked) => Promise<string>;

/** A set is never changed: another one is a newer one. */
export interface KeySet {
  key: JWTVerifyGetKey;
  fetchedMs: number;
}

export interface IssuerKeys {
  /** @throws IssuerUnavailable */
  current(): Promise<KeySet>;
  /** Newer keys than these, if it is not too soon to ask; else undefined. Never throws. */
  newerThan(known: KeySet): Promise<KeySet | undefined>;
}

/** The issuer cannot be asked, or does not answer as it should. */
export class IssuerUnavailable extends Error {}

const DOCUMENT_BYTES_MAX = 256 * 1024;
const TIMEOUT_MS = 5_000;
const KEYS_MAX = 64;
/** Base64 of 8,192 bits: what is larger costs more than a request may. */
const MODULUS_CHARACTERS_MAX = 1_366;
/** Between two attempts, whatever they gave. */
const ASK_INTERVAL_MS = 10_000;
/** A key that the issuer has withdrawn is good for so long. */
const FRESH_MS = 10 * 60_000;
/** An issuer that cannot be reached for longer is believed no more. */
const STALE_MS_MAX = 24 * 3_600_000;

export interface IssuerKeysDeps {
  issuer: Issuer;
  rules: Pick<IssuerRules, "publicAddressesOnly">;
  fetchDocument: FetchDocument;
  clock: Clock;
  log: Log;
}

export function createIssuerKeys(deps: IssuerKeysDeps): IssuerKeys {
  const { issuer, clock, log } = deps;
  let known: KeySet | undefined;
  let asking: Promise<void> | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;

  /** Once in a while; those who come meanwhile wait for the same answer. */
  async function ask(): Promise<void> {
    if (asking === undefined && clock.now() - askedMs < ASK_INTERVAL_MS) return;
    asking ??= fetchKeys(deps)
      .then((key) => {
        known = { key, fetchedMs: clock.now() };
        return undefined;
      })
      .catch((error: unknown) => log.warn("the keys of an issuer could not be fetched", { issuer: issuer.url, error }))
      .finally(() => {
        askedMs = clock.now();
        asking = undefined;
      });
    await asking;
  }

  return {
    async current() {
      if (known === undefined || clock.now() - known.fetchedMs >= FRESH_MS) await ask();
      if (known === undefined || clock.now() - known.fetchedMs >= STALE_MS_MAX) {
        throw new IssuerUnavailable(`nothing is known of the issuer ${issuer.url}`);
      }
      return known;
    },
    async newerThan(before) {
      if (known === before) await ask();
      return known === before ? undefined : known;
    },
  };
}

const WELL_KNOWN = "/.well-known/openid-configuration";

/** Two documents: where the keys are, and the keys. */
async function fetchKeys({ issuer, rules, fetchDocument }: IssuerKeysDeps): Promise<JWTVerifyGetKey> {
  const { url, discoveryURL, certificateAuthority } = issuer;
  const get = async (at: string): Promise<unknown> => {
    const asked = { url: at, bytesMax: DOCUMENT_BYTES_MAX, timeoutMs: TIMEOUT_MS };
    return JSON.parse(await fetchDocument({ ...asked, ...(certificateAuthority ? { certificateAuthority } : {}) }));
  };
  const discovery = (await get(discoveryURL || url.replace(/\/$/, "") + WELL_KNOWN)) as Record<string, unknown> | null;
  if (discovery?.["issuer"] !== url) throw new IssuerUnavailable("the discovery document is of another issuer");
  const { jwks_uri: keysAt } = discovery;
  if (typeof keysAt !== "string") throw new IssuerUnavailable("the discovery document names no jwks_uri");
  // Whoever may say where the keys are must not send us where the configuration could not.
  const fault = urlFault(keysAt, rules);
  if (fault !== undefined) throw new IssuerUnavailable(`jwks_uri: ${fault}`);
  return keySetOf(await get(keysAt));
}

/** Keys that verify nothing here are left out: those of other kinds, and secret ones, which nobody publishes. */
function keySetOf(document: unknown): JWTVerifyGetKey {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new IssuerUnavailable("there are no keys at jwks_uri");
  const usable = (keys as unknown[]).filter((key) => {
    const { kty, use, n } = (key ?? {}) as Readonly<Record<string, unknown>>;
    const isOfUs = kty === "EC" || (kty === "RSA" && typeof n === "string" && n.length <= MODULUS_CHARACTERS_MAX);
    return isOfUs && (use === undefined || use === "sig");
  });
  return createLocalJWKSet({ keys: usable.slice(0, KEYS_MAX) } as JSONWebKeySet);
}
