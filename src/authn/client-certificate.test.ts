// The decorators of @peculiar/x509 register their types through this polyfill while they load.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import { ExtendedKeyUsage, ExtendedKeyUsageExtension, Name, X509CertificateGenerator } from "@peculiar/x509";
import { beforeAll, expect, test } from "vitest";
import { createClientCertificates, type ClientCertificates } from "./client-certificate.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const LIFE = { notBefore: new Date(NOW_MS - 1_000), notAfter: new Date(NOW_MS + 1_000) };
const UID = "1.3.6.1.4.1.57683.2";

let keys: CryptoKeyPair;
let certificates: ClientCertificates;

beforeAll(async () => {
  keys = await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
  const authority = await X509CertificateGenerator.createSelfSigned(
    { name: "CN=authority", keys, signingAlgorithm: ECDSA, ...LIFE },
    crypto,
  );
  certificates = createClientCertificates({ clusterCa: authority.toString("pem"), clock: { now: () => NOW_MS } });
});

/** By the authority itself: what is asked for as a signing request gets no uid, as in Kubernetes. */
async function userOf(subject: readonly (readonly [attribute: string, value: string])[]) {
  const certificate = await X509CertificateGenerator.create(
    {
      subject: new Name(subject.map(([attribute, utf8String]) => ({ [attribute]: [{ utf8String }] }))),
      issuer: "CN=authority",
      signingKey: keys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: ECDSA,
      extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])],
      ...LIFE,
    },
    crypto,
  );
  return await certificates.authenticate({ der: new Uint8Array(certificate.rawData) });
}

test("the subject's uid is the user's", async () => {
  const user = await userOf([
    ["O", "dev"],
    ["CN", "jane"],
    [UID, "u-1"],
  ]);
  expect(user).toMatchObject({ name: "jane", uid: "u-1", groups: ["dev", "system:authenticated"] });
  expect(user?.extra?.["authentication.kubernetes.io/credential-id"]?.[0]).toMatch(/^X509SHA256=[0-9a-f]{64}$/);
  expect(await userOf([["CN", "jane"]])).not.toHaveProperty("uid");
});

test.each([
  ["several uids", ["u-1", "u-2"]],
  ["an empty uid", [""]],
])("one with %s is not believed", async (_, uids) => {
  expect(await userOf([["CN", "jane"], ...uids.map((uid) => [UID, uid] as const)])).toBeUndefined();
});
