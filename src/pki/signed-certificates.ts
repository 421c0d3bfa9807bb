/**
 * Certificates that somebody asks for, by the cluster's authority: the permissive policy of kube-controller-manager
 * (pkg/controller/certificates/authority). Name, alternative names and key are those of the request; what it is good for, and for how long,
 * says whoever lets it be signed. Nothing else of the request gets into the certificate, so nobody asks for an authority of his own.
 */
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
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
  Name,
  type Extension,
  type JsonGeneralName,
} from "@peculiar/x509";
import type { Clock, Random } from "../platform/platform.ts";
import { BACKDATE_MS, ES256, pemOf, serialNumber } from "./certificates.ts";

export interface CertificateAsked {
  /** DER of a PKCS #10 request; its signature has been verified. */
  request: Uint8Array;
  /** As CertificateSigningRequests name them: "client auth", "digital signature". Unknown ones are an error. */
  usages: readonly string[];
  lifetimeMs: number;
}

/** What is good for less than this is good for all of it from now on; the rest begins a little earlier and ends as much earlier. */
const SHORT_MS = 8 * 3_600_000;

const KEY_USAGES: Readonly<Record<string, number>> = {
  signing: KeyUsageFlags.digitalSignature,
  "digital signature": KeyUsageFlags.digitalSignature,
  "content commitment": KeyUsageFlags.nonRepudiation,
  "key encipherment": KeyUsageFlags.keyEncipherment,
  "key agreement": KeyUsageFlags.keyAgreement,
  "data encipherment": KeyUsageFlags.dataEncipherment,
  "cert sign": KeyUsageFlags.keyCertSign,
  "crl sign": KeyUsageFlags.cRLSign,
  "encipher only": KeyUsageFlags.encipherOnly,
  "decipher only": KeyUsageFlags.decipherOnly,
};

/** RFC 5280, 4.2.1.12, and the two of old. */
const EXTENDED_USAGES: Readonly<Record<string, string>> = {
  any: "2.5.29.37.0",
  "server auth": ExtendedKeyUsage.serverAuth,
  "client auth": ExtendedKeyUsage.clientAuth,
  "code signing": ExtendedKeyUsage.codeSigning,
  "email protection": ExtendedKeyUsage.emailProtection,
  "s/mime": ExtendedKeyUsage.emailProtection,
  "ipsec end system": "1.3.6.1.5.5.7.3.5",
  "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
  "ipsec user": "1.3.6.1.5.5.7.3.7",
  timestamping: ExtendedKeyUsage.timeStamping,
  "ocsp signing": ExtendedKeyUsage.ocspSigning,
  "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
  "netscape sgc": "2.16.840.1.113730.4.1",
};

/** Returns PEM. @throws Error for an authority that has expired, or a usage that nobody knows */
export async function signCertificate(options: {
  authority: { certificate: string; privateKey: CryptoKey };
  asked: CertificateAsked;
  clock: Clock;
  random: Random;
}): Promise<string> {
  const { authority, asked, clock, random } = options;
  const issuer = new X509Certificate(authority.certificate);
  const request = new Pkcs10CertificateRequest(Uint8Array.from(asked.request));
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(random),
      subject: nameOf(request.subjectName),
      issuer: issuer.subjectName.toJSON(),
      ...validity({ nowMs: clock.now(), lifetimeMs: asked.lifetimeMs, authorityEndsMs: issuer.notAfter.getTime() }),
      signingAlgorithm: ES256,
      publicKey: request.publicKey,
      signingKey: authority.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        ...usageExtensions(asked.usages),
        ...alternativeNames(request),
        await AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export(crypto), false, crypto),
      ],
    },
    crypto,
  );
  return pemOf(certificate);
}

function validity(times: { nowMs: number; lifetimeMs: number; authorityEndsMs: number }): {
  notBefore: Date;
  notAfter: Date;
} {
  const { nowMs, lifetimeMs, authorityEndsMs } = times;
  if (nowMs >= authorityEndsMs) throw new Error("the cluster's authority has expired");
  const beginsMs = nowMs - BACKDATE_MS;
  const endsMs = (lifetimeMs < SHORT_MS ? nowMs : beginsMs) + lifetimeMs;
  return { notBefore: new Date(beginsMs), notAfter: new Date(Math.min(endsMs, authorityEndsMs)) };
}

function usageExtensions(usages: readonly string[]): Extension[] {
  const unknown = usages.filter((usage) => KEY_USAGES[usage] === undefined && EXTENDED_USAGES[usage] === undefined);
  if (unknown.length > 0) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`);
  let flags = 0;
  for (const usage of usages) flags |= KEY_USAGES[usage] ?? 0;
  const extended = new Set(usages.flatMap((usage) => EXTENDED_USAGES[usage] ?? []));
  return [
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the library's type is of one flag, and it takes several
    ...(flags === 0 ? [] : [new KeyUsagesExtension(flags, true)]),
    ...(extended.size === 0 ? [] : [new ExtendedKeyUsageExtension([...extended])]),
  ];
}

/** The attributes that Go knows by name, in its order (crypto/x509/pkix.Name); what else stands there, such as a user's uid, is left out. */
const ATTRIBUTES: readonly (readonly [name: string, takes: "all" | "last"])[] = [
  ["C", "all"],
  ["O", "all"],
  ["OU", "all"],
  ["L", "all"],
  ["ST", "all"],
  ["2.5.4.9", "all"],
  ["2.5.4.17", "all"],
  ["CN", "last"],
  ["2.5.4.5", "last"],
];

/** As explicit strings: of a plain one the library would take quotes and `#` as its own notation, so that it meant another name. */
function nameOf(subject: Name): Name {
  return new Name(
    ATTRIBUTES.flatMap(([attribute, takes]) => {
      const values = subject.getField(attribute);
      return (takes === "all" ? values : values.slice(-1)).map((utf8String) => ({ [attribute]: [{ utf8String }] }));
    }),
  );
}

const FORWARDED: ReadonlySet<JsonGeneralName["type"]> = new Set(["dns", "ip", "email", "url"]);

function alternativeNames(request: Pkcs10CertificateRequest): Extension[] {
  const names = request.extensions
    .find((extension) => extension instanceof SubjectAlternativeNameExtension)
    ?.names.toJSON();
  const forwarded = (names ?? []).filter(({ type }) => FORWARDED.has(type));
  return forwarded.length === 0 ? [] : [new SubjectAlternativeNameExtension(forwarded)];
}
