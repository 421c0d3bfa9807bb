/**
 * Proof that somebody holds the private half of a node's key: a JWS over what they ask for and when. A credential or a join token
 * that leaks is then not enough to renew it or to use it a second time.
 */
import { calculateJwkThumbprint, compactVerify, importJWK, CompactSign } from "jose";
import { StatusError } from "../machinery/status-error.ts";

/** Same members as PublicKeyJwk of the relay's protocol. */
export interface NodePublicKey {
  kty: "EC";
  crv: "P-256";
  x: string;
  y: string;
}

/** How far two clocks may be apart, and how long a proof can be shown again. */
const PROOF_AGE_MS_MAX = 5 * 60_000;

interface Claims {
  purpose: string;
  /** Hex SHA-256 of the token the proof accompanies. */
  token: string;
  /** Unix ms. */
  issuedMs: number;
}

export async function sha256Hex(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** RFC 7638, SHA-256. @throws StatusError "BadRequest" when it is no P-256 public key */
export async function thumbprint(key: NodePublicKey): Promise<string> {
  const { kty, crv, x, y } = key;
  try {
    // Importing checks that the point is on the curve; the thumbprint alone takes any text.
    await importJWK({ kty, crv, x, y }, "ES256");
    return await calculateJwkThumbprint({ kty, crv, x, y });
  } catch (cause) {
    throw new StatusError("BadRequest", "publicKey must be an EC P-256 public key (JWK)", { cause });
  }
}

export async function signProof(options: {
  privateKey: Parameters<CompactSign["sign"]>[0];
  purpose: "join" | "renew";
  token: string;
  nowMs: number;
}): Promise<string> {
  const { privateKey, purpose, token, nowMs } = options;
  const claims: Claims = { purpose, token: await sha256Hex(token), issuedMs: nowMs };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "ES256", typ: "gantry-key-proof" })
    .sign(privateKey);
}

/** @throws StatusError "Unauthorized" */
export async function verifyProof(options: {
  proof: string;
  key: NodePublicKey;
  purpose: "join" | "renew";
  token: string;
  nowMs: number;
}): Promise<void> {
  const { proof, key, purpose, token, nowMs } = options;
  let claims: Partial<Claims>;
  try {
    const { payload } = await compactVerify(proof, await importJWK({ ...key }, "ES256"), { algorithms: ["ES256"] });
    claims = JSON.parse(new TextDecoder().decode(payload)) as Partial<Claims>;
  } catch (cause) {
    throw new StatusError("Unauthorized", "the proof was not made with this node's key", { cause });
  }
  if (claims.purpose !== purpose || claims.token !== (await sha256Hex(token)))
    throw new StatusError("Unauthorized", "the proof is for something else");
  if (typeof claims.issuedMs !== "number" || Math.abs(nowMs - claims.issuedMs) > PROOF_AGE_MS_MAX)
    throw new StatusError("Unauthorized", "the proof is too old: are the clocks of the node and the server apart?");
}
