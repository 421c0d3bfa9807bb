/**
 * CertificateApproval, CertificateSigning and CertificateSubjectRestriction (plugin/pkg/admission/certificates): who may decide about a
 * signer's requests is a matter of rights on that signer, and nobody asks for the administrators' group.
 */
import { organizationsOf, parseSigningRequest } from "../kinds/certificates/certificatesigningrequests/request.ts";
import type { CertificateSigningRequest } from "../kinds/certificates/certificatesigningrequests/types.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { refused } from "./refusal.ts";

/** May this user do this to requests of this signer ("example.com/signer" or "example.com/*")? */
export type MayUseSigner = (asked: {
  user: AdmissionAttributes["user"];
  verb: "approve" | "sign";
  signerName: string;
}) => Promise<{ allowed: boolean; revision?: number }>;

const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";
const ADMINISTRATORS = "system:masters";

export function createCertificatePlugins({ mayUseSigner }: { mayUseSigner: MayUseSigner }): AdmissionPlugin[] {
  return [
    {
      name: "CertificateApproval",
      async validate(attributes) {
        if (!isUpdateOf(attributes, "approval")) return;
        await assertMay("approve", attributes);
      },
    },
    {
      name: "CertificateSigning",
      async validate(attributes) {
        if (!isUpdateOf(attributes, "status") || !decidesAnything(attributes)) return;
        await assertMay("sign", attributes);
      },
    },
    { name: "CertificateSubjectRestriction", validate: restrictSubject },
  ];

  /** Rights on the whole domain do as well. The request as it was counts: nobody changes its signer on the way. */
  async function assertMay(verb: "approve" | "sign", attributes: AdmissionAttributes): Promise<void> {
    const { user, oldObject } = attributes;
    const { signerName } = (oldObject as CertificateSigningRequest).spec;
    const [domain = ""] = signerName.split("/");
    await attributes.authorization.assert(async () => {
      for (const name of [signerName, `${domain}/*`]) {
        const answer = await mayUseSigner({ user, verb, signerName: name });
        if (answer.allowed) return answer;
      }
      const name = JSON.stringify(signerName);
      throw refused(attributes, `user not permitted to ${verb} requests with signerName ${name}`);
    });
  }
}

function isOfRequests({ group, resource }: AdmissionAttributes): boolean {
  return group === "certificates.k8s.io" && resource === "certificatesigningrequests";
}

function isUpdateOf(attributes: AdmissionAttributes, subresource: string): boolean {
  return isOfRequests(attributes) && attributes.subresource === subresource && attributes.operation === "UPDATE";
}

function decidesAnything({ object, oldObject }: AdmissionAttributes): boolean {
  return decisionsOf(object ?? {}) !== decisionsOf(oldObject ?? {});
}

function decisionsOf({ status }: Partial<CertificateSigningRequest>): string {
  return JSON.stringify([status?.certificate ?? "", status?.conditions ?? []]);
}

function restrictSubject(attributes: AdmissionAttributes): void {
  const { operation, subresource, object } = attributes;
  if (!isOfRequests(attributes) || subresource !== "" || operation !== "CREATE") return;
  const { spec } = object as CertificateSigningRequest;
  if (spec.signerName !== CLIENT_SIGNER) return;
  const request = parseSigningRequest(spec.request);
  if (typeof request === "string") throw refused(attributes, `failed to parse CSR: ${request}`);
  if (organizationsOf(request).includes(ADMINISTRATORS)) {
    throw refused(attributes, `use of ${CLIENT_SIGNER} signer with ${ADMINISTRATORS} group is not allowed`);
  }
}
