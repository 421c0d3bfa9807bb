/** Certification requests as openssl would make them, in base64 of PEM. Runs in every runtime. */
// The decorators of @peculiar/x509 register their types through this polyfill while they load.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import {
  Name,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type JsonGeneralName,
} from "@peculiar/x509";
import { fromBase64, textToBase64, toBase64 } from "../../src/machinery/base64.ts";

export const KEYS = {
  ecdsa: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "ecdsa-384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: Uint8Array.from([1, 0, 1]),
  },
  ed25519: { name: "Ed25519" },
};

async function keyPair(kind: keyof typeof KEYS): Promise<CryptoKeyPair> {
  // The types of this call know no union of algorithms.
  const algorithm = KEYS[kind] as RsaHashedKeyGenParams;
  return await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

/** `subject`: "O=dev, CN=jane". */
export async function signingRequest(subject: string, kind: keyof typeof KEYS = "ecdsa"): Promise<string> {
  const keys = await keyPair(kind);
  const made = await Pkcs10CertificateRequestGenerator.create(
    { name: subject, keys, signingAlgorithm: KEYS[kind] },
    crypto,
  );
  return textToBase64(`${made.toString("pem")}\n`);
}

export interface KeyedRequest {
  /** Base64 of PEM. */
  request: string;
  der: Uint8Array;
  /** PKCS #8 in PEM. */
  keyPem: string;
}

/** As `signingRequest`, with the key, alternative names, and names exactly as they stand here: quotes and `#` mean nothing. */
export async function keyedRequest(asked: {
  subject: readonly (readonly [attribute: string, value: string])[];
  alternativeNames?: JsonGeneralName[];
}): Promise<KeyedRequest> {
  const keys = await keyPair("ecdsa");
  const names = asked.alternativeNames ?? [];
  const made = await Pkcs10CertificateRequestGenerator.create(
    {
      name: new Name(asked.subject.map(([attribute, utf8String]) => ({ [attribute]: [{ utf8String }] }))),
      keys,
      signingAlgorithm: KEYS.ecdsa,
      extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
    },
    crypto,
  );
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${toBase64(pkcs8)}\n-----END PRIVATE KEY-----\n`;
  const request = textToBase64(`${made.toString("pem")}\n`);
  return { request, der: new Uint8Array(made.rawData), keyPem };
}

/** Of a certificate in PEM. */
export function derOf(pem: string): Uint8Array {
  const [block = ""] = pem.split("-----END CERTIFICATE-----");
  return fromBase64(block.replace("-----BEGIN CERTIFICATE-----", "").replaceAll(/\s/g, ""));
}

/** The same request with one bit of its signature turned. */
export function forged(base64: string): string {
  const lines = atob(base64).trim().split("\n");
  const der = Uint8Array.from(atob(lines.slice(1, -1).join("")), (character) => character.charCodeAt(0));
  const last = der.length - 1;
  der[last] = (der[last] ?? 0) ^ 1;
  return textToBase64([lines[0], btoa(String.fromCharCode(...der)), lines.at(-1), ""].join("\n"));
}

export async function someCertificate(): Promise<string> {
  const keys = await keyPair("ecdsa");
  const made = await X509CertificateGenerator.createSelfSigned(
    { name: "CN=jane", keys, signingAlgorithm: KEYS.ecdsa, serialNumber: "01" },
    crypto,
  );
  return textToBase64(`${made.toString("pem")}\n`);
}
