/**
 * Signs approved requests of the signers that are Kubernetes' own, by the cluster's authority. After pkg/controller/certificates/signer of
 * Kubernetes; its four controllers are one here.
 */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { hasCondition, type SigningRequestView } from "../../controller-runtime/views/signing-request-view.ts";
import { namesOf, parseSigningRequest } from "../../kinds/certificates/certificatesigningrequests/request.ts";
import {
  certificateSigningRequests,
  type CertificateSigningRequest,
  type SigningCondition,
} from "../../kinds/certificates/certificatesigningrequests/types.ts";
import { textToBase64 } from "../../machinery/base64.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { isClientSigner, isOurSigner, lifetimeMs, signerFault } from "./rules.ts";

export interface CertificateSigningDeps extends ControllerDeps<"certificateSigningRequests"> {
  /** By the cluster's authority; the request has been found to be sound. Returns PEM. */
  sign: (asked: { request: Uint8Array; usages: readonly string[]; lifetimeMs: number }) => Promise<string>;
  /** False where no client can show a certificate: then none is made that would be good for nothing. */
  takesClientCertificates: boolean;
}

const DONE: ReconcileResult = { done: true };

export function createCertificateSigningController(deps: CertificateSigningDeps): Controller {
  const { client, stores, sign, takesClientCertificates } = deps;

  async function reconcile(name: string): Promise<ReconcileResult> {
    const view = stores.certificateSigningRequests.get(name);
    if (!view || !awaitsCertificate(view)) return DONE;
    try {
      const request = await client.get<CertificateSigningRequest>(certificateSigningRequests, { name });
      const { conditions = [], certificate = "" } = request.status ?? {};
      if (!awaitsCertificate({ ...view, conditions, isIssued: certificate !== "" })) return DONE;
      const status = { ...request.status, ...(await outcome(request)) };
      const answered = await client.update(certificateSigningRequests, { ...request, status }, "status");
      stores.certificateSigningRequests.observe(answered);
    } catch (error) {
      // Gone, or decided otherwise meanwhile: the next event says which.
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
    }
    return DONE;
  }

  async function outcome({ spec, status }: CertificateSigningRequest): Promise<CertificateSigningRequest["status"]> {
    const { signerName, usages = [], expirationSeconds } = spec;
    const failed = (condition: Pick<SigningCondition, "reason" | "message">) => ({
      conditions: [...(status?.conditions ?? []), { type: "Failed", status: "True", ...condition }],
    });
    if (isClientSigner(signerName) && !takesClientCertificates) return failed(NOT_TAKEN);
    const request = parseSigningRequest(spec.request);
    // It was read when it was made, and has not changed since.
    if (typeof request === "string") return failed({ reason: REFUSED, message: request });
    const fault = signerFault(signerName, { names: namesOf(request), usages });
    if (fault !== undefined) return failed({ reason: REFUSED, message: fault });
    const asked = { request: new Uint8Array(request.rawData), usages, lifetimeMs: lifetimeMs(expirationSeconds) };
    return { certificate: textToBase64(await sign(asked)) };
  }

  return {
    name: "csrsigning",
    concurrency: 2,
    watches: [watching(stores.certificateSigningRequests, ({ metadata }) => [metadata.name])],
    reconcile,
  };
}

const REFUSED = "SignerValidationFailure";
const NOT_TAKEN = {
  reason: "ClientCertificatesNotTaken",
  message:
    "this cluster takes no client certificates; use a token of a service account, of the accounts or of an OIDC issuer",
};

function awaitsCertificate(view: SigningRequestView): boolean {
  return isOurSigner(view.signerName) && !view.isIssued && hasCondition(view, "Approved") && !isEnded(view);
}

function isEnded(view: SigningRequestView): boolean {
  return hasCondition(view, "Denied") || hasCondition(view, "Failed") || view.metadata.deletionTimestamp !== undefined;
}
