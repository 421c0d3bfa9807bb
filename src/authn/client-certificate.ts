/**
 * Users by client certificate, as kube-apiserver's `--client-ca-file`: the common name is the user, each organization a group
 * (k8s.io/apiserver/pkg/authentication/request/x509). The authority is the cluster's own, and it signs directly: there are no others
 * between. The connection has proved that the client has the key; everything else is looked at here, and trusts no TLS library's verdict.
 */
// The decorators of @peculiar/x509 register their types through this polyfill while they load.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import { ExtendedKeyUsage, ExtendedKeyUsageExtension, X509Certificate } from "@peculiar/x509";
import { toHex } from "../pki/encoding.ts";
import type { Clock } from "../platform/platform.ts";
import { AUTHENTICATED_GROUP, CREDENTIAL_ID, type User } from "./authenticator.ts";

/** What a client has shown on its connection; one object for all requests of it. */
export interface ClientCertificate {
  der: Uint8Array;
}

export interface ClientCertificates {
  /** Undefined: it is not one to believe. Answers at once for one that was looked at before. Never throws. */
  authenticate(certificate: ClientCertificate): User | undefined | Promise<User | undefined>;
}

/** The attribute of a subject that is the user's uid (k8s.io/apimachinery/pkg/apis/asn1). */
const UID = "1.3.6.1.4.1.57683.2";

/** A user's certificate has about 600 bytes. */
const DER_BYTES_MAX = 16 * 1024;

interface Identity {
  user: User;
  /** Unix ms, both inclusive. */
  fromMs: number;
  untilMs: number;
}

/** `clusterCa`: PEM. */
export function createClientCertificates({
  clusterCa,
  clock,
}: {
  clusterCa: string;
  clock: Clock;
}): ClientCertificates {
  const authority = new X509Certificate(clusterCa);
  const known = new WeakMap<ClientCertificate, Identity | "refused">();

  /** At each request anew: connections outlive certificates. */
  function now(identity: Identity | "refused"): User | undefined {
    if (identity === "refused") return undefined;
    const nowMs = clock.now();
    return identity.fromMs <= nowMs && nowMs <= identity.untilMs ? identity.user : undefined;
  }

  async function look(certificate: ClientCertificate): Promise<User | undefined> {
    const identity = (await identityOf(certificate.der, authority)) ?? "refused";
    known.set(certificate, identity);
    return now(identity);
  }

  return {
    authenticate(certificate) {
      const identity = known.get(certificate);
      return identity === undefined ? look(certificate) : now(identity);
    },
  };
}

async function identityOf(der: Uint8Array, authority: X509Certificate): Promise<Identity | undefined> {
  if (der.length > DER_BYTES_MAX) return undefined;
  try {
    const certificate = new X509Certificate(Uint8Array.from(der));
    if (certificate.issuer !== authority.subject) return undefined;
    const { publicKey } = authority;
    if (!(await certificate.verify({ publicKey, signatureOnly: true }, crypto))) return undefined;
    const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
    // Of the same authority are certificates of servers, nodes' among them: they are no clients.
    if (!usages.includes(ExtendedKeyUsage.clientAuth)) return undefined;
    const name = certificate.subjectName.getField("CN").at(-1) ?? "";
    if (name === "") return undefined;
    const uids = certificate.subjectName.getField(UID);
    // Kubernetes takes one that names several, or an empty one, for none to believe.
    if (uids.length > 1 || uids[0] === "") return undefined;
    const fingerprint = toHex(new Uint8Array(await certificate.getThumbprint("SHA-256", crypto)));
    return {
      user: {
        name,
        ...(uids[0] === undefined ? {} : { uid: uids[0] }),
        groups: [...new Set([...certificate.subjectName.getField("O"), AUTHENTICATED_GROUP])],
        extra: { [CREDENTIAL_ID]: [`X509SHA256=${fingerprint}`] },
      },
      fromMs: certificate.notBefore.getTime(),
      untilMs: certificate.notAfter.getTime(),
    };
  } catch {
    // Whatever the library cannot read is no certificate of ours.
    return undefined;
  }
}
