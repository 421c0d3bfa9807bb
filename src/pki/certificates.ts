/** X.509 on WebCrypto: the cluster's authority and what it issues. ECDSA P-256 throughout. */
// The decorators of @peculiar/x509 register their types through this polyfill while they load.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Clock, Random } from "../platform/platform.ts";
import { toHex } from "./encoding.ts";

export const EC_KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
export const ES256 = { name: "ECDSA", hash: "SHA-256" } as const;

const YEAR_MS = 365 * 24 * 3_600_000;
/** A clock that is behind ours must not refuse what was issued a moment ago. */
export const BACKDATE_MS = 5 * 60_000;

export interface KeyPair {
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

export async function generateKeyPair(): Promise<KeyPair> {
  const pair = await crypto.subtle.generateKey(EC_KEY, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("WebCrypto made no key pair");
  return pair;
}

/** RFC 5280: positive, at most 20 bytes. */
export function serialNumber(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return toHex(bytes);
}

/** The runtimes' types differ in what an export may be. */
export async function exportDer(format: "spki" | "pkcs8", key: CryptoKey): Promise<ArrayBuffer> {
  const der = await crypto.subtle.exportKey(format, key);
  if (!(der instanceof ArrayBuffer)) throw new Error(`WebCrypto exported no ${format}`);
  return der;
}

export async function exportJwk(key: CryptoKey): Promise<JsonWebKey> {
  const jwk = await crypto.subtle.exportKey("jwk", key);
  if (jwk instanceof ArrayBuffer) throw new Error("WebCrypto exported no JWK");
  return jwk;
}

/** A self-signed authority for ten years. Its name is unique, so that clients of several clusters do not confuse them. */
export async function createAuthority(options: { keys: KeyPair; clock: Clock; random: Random }): Promise<string> {
  const { keys, clock, random } = options;
  const now = clock.now();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(random),
      name: [{ CN: [`gantry-ca-${toHex(random.bytes(4))}`] }],
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(now + 10 * YEAR_MS),
      signingAlgorithm: ES256,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(
          KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
          true,
        ),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  return pemOf(certificate);
}

export interface ServingCertificateRequest {
  commonName: string;
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
  publicKey: CryptoKey;
  notBeforeMs: number;
  notAfterMs: number;
}

export async function issueCertificate(options: {
  authority: { certificate: string; privateKey: CryptoKey };
  request: ServingCertificateRequest;
  random: Random;
}): Promise<string> {
  const { authority, request, random } = options;
  const issuer = new X509Certificate(authority.certificate);
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(random),
      subject: [{ CN: [request.commonName] }],
      issuer: issuer.subjectName.toJSON(),
      notBefore: new Date(request.notBeforeMs),
      // A certificate must not outlive the one that signed it.
      notAfter: new Date(Math.min(request.notAfterMs, issuer.notAfter.getTime())),
      signingAlgorithm: ES256,
      publicKey: request.publicKey,
      signingKey: authority.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([
          ...request.dnsNames.map((value) => ({ type: "dns" as const, value })),
          ...request.ipAddresses.map((value) => ({ type: "ip" as const, value })),
        ]),
        await AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export(crypto), false, crypto),
        await SubjectKeyIdentifierExtension.create(request.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  return pemOf(certificate);
}

export function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}
