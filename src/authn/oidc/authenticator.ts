/**
 * Users by tokens of OpenID Connect issuers outside (k8s.io/apiserver/plugin/pkg/authenticator/token/oidc). Which issuer a token claims to
 * be of is looked at first: a token of anybody else costs nothing here.
 */
import { decodeJwt, errors, jwtVerify, type JWTPayload } from "jose";
import { StatusError } from "../../machinery/status-error.ts";
import type { Clock, Log } from "../../platform/platform.ts";
import type { Authenticator } from "../authenticator.ts";
import type { CompiledIssuer } from "./configuration.ts";
import { ClaimsRefused } from "./expressions.ts";
import { createIssuerKeys, type FetchDocument, type IssuerKeys, type KeySet } from "./issuer-keys.ts";
import type { IssuerRules } from "./validation.ts";

export interface OidcDeps {
  issuers: readonly CompiledIssuer[];
  rules: Pick<IssuerRules, "publicAddressesOnly">;
  fetchDocument: FetchDocument;
  clock: Clock;
  log: Log;
}

/** Those that an API server takes: with keys that may be published. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];
/** Clocks of issuers may be ahead of ours (go-oidc). An end is an end. */
const NOT_YET_LEEWAY_SECONDS = 300;
/** What Google's tokens may say for https://accounts.google.com (OpenID Connect Core 1.0, 15.6.2). */
const GOOGLE = "accounts.google.com";

interface KnownIssuer extends CompiledIssuer {
  keys: IssuerKeys;
}

export function createOidcAuthenticator(deps: OidcDeps): Authenticator {
  const { clock, log } = deps;
  const known = new Map<string, KnownIssuer>();
  for (const one of deps.issuers) {
    known.set(one.issuer.url, { ...one, keys: createIssuerKeys({ ...deps, issuer: one.issuer }) });
  }

  return {
    async authenticate({ token, audience }) {
      // Its tokens say nothing of other audiences.
      if (token === undefined || audience !== undefined || known.size === 0) return undefined;
      const issuer = known.get(claimedIssuer(token) ?? "");
      if (!issuer) return undefined;
      try {
        return issuer.mapping(await verified(issuer, token, clock.now()));
      } catch (error) {
        if (error instanceof ClaimsRefused) log.info("a token was refused", { issuer: issuer.issuer.url, error });
        throw new StatusError("Unauthorized", "Unauthorized", { cause: error });
      }
    },
  };
}

/** As the token says itself: nothing is verified. Undefined for what is no JWT. */
export function claimedIssuer(token: string): string | undefined {
  if (token.split(".", 4).length !== 3) return undefined;
  try {
    const { iss } = decodeJwt(token);
    return iss === GOOGLE ? `https://${GOOGLE}` : iss;
  } catch {
    return undefined;
  }
}

async function verified(issuer: KnownIssuer, token: string, nowMs: number): Promise<JWTPayload> {
  const keys = await issuer.keys.current();
  try {
    return await verifiedBy(keys, issuer, token, nowMs);
  } catch (error) {
    const mayBeNew =
      error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
    const newer = mayBeNew ? await issuer.keys.newerThan(keys) : undefined;
    if (!newer) throw error;
    return await verifiedBy(newer, issuer, token, nowMs);
  }
}

async function verifiedBy({ key }: KeySet, { issuer }: KnownIssuer, token: string, nowMs: number): Promise<JWTPayload> {
  const { url, audiences = [] } = issuer;
  const options = {
    algorithms: ALGORITHMS,
    issuer: url === `https://${GOOGLE}` ? [url, GOOGLE] : url,
    audience: [...audiences],
    requiredClaims: ["exp"],
    currentDate: new Date(nowMs),
    clockTolerance: NOT_YET_LEEWAY_SECONDS,
  };
  const { payload } = await verifiedByOne(key, token, options);
  if ((payload.exp ?? 0) * 1000 < nowMs) throw new errors.JWTExpired("the token has expired", payload, "exp");
  return payload;
}

/** A token without a key id is tried with each key that could be meant; there are few. */
async function verifiedByOne(
  key: KeySet["key"],
  token: string,
  options: Parameters<typeof jwtVerify>[2],
): Promise<{ payload: JWTPayload }> {
  try {
    return await jwtVerify(token, key, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const one of error) {
      try {
        return await jwtVerify(token, one, options);
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}
