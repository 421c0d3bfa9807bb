/**
 * What stands in `spec.request`: a certification request (PKCS #10) in PEM, signed with the key that it is about. Faults in the words of
 * Go's crypto/x509, which an API server passes on.
 */
// The decorators of @peculiar/x509 register their types through this polyfill while they load.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import { textFromBase64 } from "../../../machinery/base64.ts";
import { pemBlocks, type PemBlock } from "../../../machinery/pem.ts";

const WRONG_BLOCK = "PEM block type must be CERTIFICATE REQUEST";
/** The request, or why it is none. `base64` is that of PEM. */
export function parseSigningRequest(base64: string): Pkcs10CertificateRequest | string {
  const [block] = blocksOf(base64);
  if (block?.type !== "CERTIFICATE REQUEST") return WRONG_BLOCK;
  try {
    return new Pkcs10CertificateRequest(Uint8Array.from(block.bytes));
  } catch {
    return asn1Fault(block.bytes);
  }
}

const SEQUENCE = 16;
/** How Go prints the options of a field that has none. */
const NO_OPTIONS =
  "{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}";

/** What Go's encoding/asn1 says of bytes that are no certification request: exact for the two outermost headers, where garbage shows. */
function asn1Fault(bytes: Uint8Array): string {
  const outer = readSequence(bytes, "certificateRequest");
  if (typeof outer === "string") return outer;
  const inner = readSequence(outer.content, "tbsCertificateRequest");
  if (typeof inner === "string") return inner;
  return outer.isLast ? "asn1: structure error: malformed certification request" : "asn1: syntax error: trailing data";
}

/** The content of the sequence that the bytes begin with, or why it is none. `type` is Go's name of it. */
function readSequence(bytes: Uint8Array, type: string): { content: Uint8Array; isLast: boolean } | string {
  const [first, second] = bytes;
  if (first === undefined) return "asn1: syntax error: sequence truncated";
  if (second === undefined) return "asn1: syntax error: truncated tag or length";
  if (second === 0x80) return "asn1: syntax error: indefinite length found (not DER)";
  const offset = second < 0x80 ? 2 : 2 + (second & 0x7f);
  if (bytes.length < offset) return "asn1: syntax error: truncated tag or length";
  if (offset > 2 && bytes[2] === 0) return "asn1: structure error: superfluous leading zeros in length";
  const length = offset === 2 ? second : bytes.slice(2, offset).reduce((sum, byte) => sum * 256 + byte, 0);
  if (offset > 2 && length < 0x80) return "asn1: structure error: non-minimal length";
  const [tag, isCompound] = [first & 0x1f, (first & 0x20) !== 0];
  if (first >> 6 !== 0 || tag !== SEQUENCE || !isCompound) {
    const found = `{class:${first >> 6} tag:${tag} length:${length} isCompound:${isCompound}}`;
    return `asn1: structure error: tags don't match (${SEQUENCE} vs ${found}) ${NO_OPTIONS} ${type} @${offset}`;
  }
  if (bytes.length < offset + length) return "asn1: syntax error: data truncated";
  return { content: bytes.slice(offset, offset + length), isLast: bytes.length === offset + length };
}

/** Why the request must not be accepted; undefined where it is sound. */
export async function signatureFault(base64: string): Promise<string | undefined> {
  const request = parseSigningRequest(base64);
  if (typeof request === "string") return request;
  const algorithm = algorithmOf(request);
  const fault = FAILURES[algorithm];
  if (fault === undefined) return "x509: cannot verify signature: algorithm unimplemented";
  try {
    return (await request.verify(crypto)) ? undefined : fault;
  } catch {
    // A key of another kind than the signature, or a curve that WebCrypto does not know.
    return fault;
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  "RSASSA-PKCS1-v1_5": "crypto/rsa: verification error",
  "RSA-PSS": "crypto/rsa: verification error",
  ECDSA: "x509: ECDSA verification failure",
  Ed25519: "x509: Ed25519 verification failure",
};

function algorithmOf(request: Pkcs10CertificateRequest): string {
  try {
    // The library's type builds on one of the DOM, which no runtime of ours declares.
    return (request.signatureAlgorithm as unknown as { name: string }).name;
  } catch {
    return "";
  }
}

/** Who the certificate is to be for: its `O`s become groups. */
export function organizationsOf(request: Pkcs10CertificateRequest): string[] {
  return request.subjectName.getField("O");
}

/** What a request asks to be called. */
export interface RequestedNames {
  /** "" where there is none; of several the last one, as Go reads them. */
  commonName: string;
  organizations: readonly string[];
  dnsNames: readonly string[];
  emailAddresses: readonly string[];
  ipAddresses: readonly string[];
  uris: readonly string[];
}

export function namesOf(request: Pkcs10CertificateRequest): RequestedNames {
  const names = request.extensions
    .find((extension) => extension instanceof SubjectAlternativeNameExtension)
    ?.names.toJSON();
  const ofType = (wanted: string) => (names ?? []).flatMap(({ type, value }) => (type === wanted ? [value] : []));
  return {
    commonName: request.subjectName.getField("CN").at(-1) ?? "",
    organizations: organizationsOf(request),
    dnsNames: ofType("dns"),
    emailAddresses: ofType("email"),
    ipAddresses: ofType("ip"),
    uris: ofType("url"),
  };
}

/** Until when the first certificate of `status.certificate` is good (Unix ms); undefined where there is none that can be read. */
export function certificateEndMs(base64: string): number | undefined {
  const [first] = blocksOf(base64);
  if (first?.type !== "CERTIFICATE") return undefined;
  try {
    return new X509Certificate(Uint8Array.from(first.bytes)).notAfter.getTime();
  } catch {
    return undefined;
  }
}

/** What is wrong with `status.certificate`, if anything is: validateCertificate of pkg/apis/certificates/validation. */
export function certificateFault(base64: string): string | undefined {
  const blocks = blocksOf(base64);
  if (blocks.length === 0) return "must contain at least one CERTIFICATE PEM block";
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== "CERTIFICATE") return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (hasHeaders) return "no PEM block headers are permitted";
    if (bytes.length === 0) return "found CERTIFICATE PEM block containing 0 certificates";
    try {
      // oxlint-disable-next-line no-new -- It is made to see whether it can be.
      new X509Certificate(Uint8Array.from(bytes));
    } catch {
      return "x509: malformed certificate";
    }
  }
  return undefined;
}

function blocksOf(base64: string): PemBlock[] {
  try {
    return pemBlocks(textFromBase64(base64));
  } catch {
    return [];
  }
}
