/** An OIDC issuer of a test's own: it makes its keys, publishes them and signs tokens. Runs in every runtime. */
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from "jose";
import type { DocumentAsked, FetchDocument } from "../../src/authn/oidc/issuer-keys.ts";

export interface TestIssuer {
  url: string;
  /** What it publishes. */
  documents: FetchDocument;
  /** Addresses that were asked for, oldest first. */
  asked: DocumentAsked[];
  /** While it is, nothing is answered. */
  isDown: boolean;
  /** Another key in place of the former ones. */
  rotate(): Promise<void>;
  /** Good for an hour, for the audience "gantry". Claims that are undefined are left out. */
  token(claims?: JWTPayload, header?: { kid?: string | undefined; alg?: string }): Promise<string>;
  /** The published keys. */
  keys(): readonly JWK[];
  publish(keys: readonly { kid?: string | undefined }[]): void;
  /** Changes the discovery document. */
  discovery: Record<string, unknown>;
}

export async function createTestIssuer(options: { url: string; now: () => number; alg?: string }): Promise<TestIssuer> {
  const { url, now, alg = "RS256" } = options;
  let made = 0;
  let published: readonly JWK[] = [];
  let signing: { key: CryptoKey; kid: string };
  const issuer: TestIssuer = {
    url,
    asked: [],
    isDown: false,
    discovery: { issuer: url, jwks_uri: `${url}/keys` },
    async documents(asked) {
      issuer.asked.push(asked);
      if (issuer.isDown) throw new Error("connection refused");
      if (asked.url === `${url}/.well-known/openid-configuration`) return JSON.stringify(issuer.discovery);
      if (asked.url === `${url}/keys`) return JSON.stringify({ keys: published });
      throw new Error(`404: ${asked.url}`);
    },
    async rotate() {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      signing = { key: privateKey, kid: `key-${made++}` };
      published = [{ ...(await exportJWK(publicKey)), kid: signing.kid, alg, use: "sig" }];
    },
    async token(claims = {}, header = {}) {
      const seconds = Math.floor(now() / 1000);
      const all = { iss: url, aud: "gantry", sub: "jane", iat: seconds, exp: seconds + 3_600, ...claims };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      const kid = "kid" in header ? header.kid : signing.kid;
      return await new SignJWT(payload)
        .setProtectedHeader({ alg: header.alg ?? alg, ...(kid === undefined ? {} : { kid }) })
        .sign(signing.key);
    },
    keys: () => published,
    publish: (keys) => void (published = keys as readonly JWK[]),
  };
  await issuer.rotate();
  return issuer;
}

/** One that takes the subject as the name, behind "ext:". */
export function configurationOf(
  issuer: Pick<TestIssuer, "url">,
  more: { issuer?: object; claimMappings?: object; [member: string]: unknown } = {},
): { apiVersion: string; kind: string; jwt: object[] } {
  const { issuer: ofIssuer = {}, claimMappings = {}, ...rest } = more;
  const mappings = {
    username: { claim: "sub", prefix: "ext:" },
    groups: { claim: "groups", prefix: "ext:" },
    ...claimMappings,
  };
  const one = { issuer: { url: issuer.url, audiences: ["gantry"], ...ofIssuer }, claimMappings: mappings, ...rest };
  return { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", jwt: [one] };
}
