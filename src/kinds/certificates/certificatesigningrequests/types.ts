/** CertificateSigningRequest (k8s.io/api/certificates/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const certificateSigningRequests: ResourceRef = {
  group: "certificates.k8s.io",
  version: "v1",
  resource: "certificatesigningrequests",
  namespaced: false,
};

export interface SigningCondition {
  /** "Approved", "Denied", "Failed" */
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastUpdateTime?: string | null;
  lastTransitionTime?: string | null;
}

export interface CertificateSigningRequest extends KubeObject {
  spec: {
    /** Base64 of PEM. */
    request: string;
    signerName: string;
    expirationSeconds?: number;
    usages?: string[];
    /** Who asks: the server fills it in. */
    username?: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
  };
  status?: { conditions?: SigningCondition[]; certificate?: string };
}
