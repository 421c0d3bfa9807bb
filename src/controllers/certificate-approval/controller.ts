/**
 * Approves what nodes ask for themselves, where RBAC lets the asker have it: `nodeclient` for any node, `selfnodeclient` for the node that
 * asks. After pkg/controller/certificates/approver/sarapprove.go of Kubernetes.
 */
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { hasCondition, type SigningRequestView } from "../../controller-runtime/views/signing-request-view.ts";
import { namesOf, parseSigningRequest } from "../../kinds/certificates/certificatesigningrequests/request.ts";
import {
  certificateSigningRequests,
  type CertificateSigningRequest,
} from "../../kinds/certificates/certificatesigningrequests/types.ts";
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import { KUBELET_CLIENT_SIGNER, kubeletClientFault } from "../certificate-signing/rules.ts";
import type { ControllerDeps } from "../deps.ts";

const DONE: ReconcileResult = { done: true };
/** Rights may be given later; whoever waits is looked at again as long as the request is kept (a day). */
const LOOK_AGAIN_MS = 10 * 60_000;

const subjectAccessReviews: ResourceRef = {
  group: "authorization.k8s.io",
  version: "v1",
  resource: "subjectaccessreviews",
  namespaced: false,
};

interface AccessReview extends KubeObject {
  spec: object;
  status?: { allowed?: boolean };
}

export function createCertificateApprovalController(deps: ControllerDeps<"certificateSigningRequests">): Controller {
  const { client, stores } = deps;

  async function reconcile(name: string): Promise<ReconcileResult> {
    const view = stores.certificateSigningRequests.get(name);
    if (!view || !isUndecided(view)) return DONE;
    try {
      const request = await client.get<CertificateSigningRequest>(certificateSigningRequests, { name });
      const recognized = recognize(request);
      for (const { subresource, message } of recognized) {
        if (!(await mayHave(request, subresource))) continue;
        await approve(request, message);
        return DONE;
      }
      return recognized.length === 0 ? DONE : { againAfterMs: LOOK_AGAIN_MS };
    } catch (error) {
      if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
      return DONE;
    }
  }

  async function mayHave({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
    const { username: user = "", uid, groups = [], extra } = spec;
    const review: AccessReview = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec: {
        user,
        groups,
        ...(uid === undefined ? {} : { uid }),
        ...(extra === undefined ? {} : { extra }),
        resourceAttributes: {
          group: certificateSigningRequests.group,
          resource: certificateSigningRequests.resource,
          verb: "create",
          subresource,
        },
      },
    };
    return (await client.create(subjectAccessReviews, review)).status?.allowed === true;
  }

  async function approve(request: CertificateSigningRequest, message: string): Promise<void> {
    const approved = { type: "Approved", status: "True", reason: "AutoApproved", message };
    const conditions = [...(request.status?.conditions ?? []), approved];
    const status = { ...request.status, conditions };
    stores.certificateSigningRequests.observe(
      await client.update(certificateSigningRequests, { ...request, status }, "approval"),
    );
  }

  return {
    name: "csrapproving",
    concurrency: 2,
    watches: [watching(stores.certificateSigningRequests, ({ metadata }) => [metadata.name])],
    reconcile,
  };
}

function isUndecided(view: SigningRequestView): boolean {
  const { signerName, isIssued, metadata } = view;
  if (signerName !== KUBELET_CLIENT_SIGNER || isIssued || metadata.deletionTimestamp !== undefined) return false;
  return !hasCondition(view, "Approved") && !hasCondition(view, "Denied");
}

/** What RBAC is asked about it, in order. */
function recognize({ spec }: CertificateSigningRequest): { subresource: string; message: string }[] {
  const request = parseSigningRequest(spec.request);
  if (typeof request === "string") return [];
  const names = namesOf(request);
  if (kubeletClientFault({ names, usages: spec.usages ?? [] }) !== undefined) return [];
  const nodeClient = {
    subresource: "nodeclient",
    message: "Auto approving kubelet client certificate after SubjectAccessReview.",
  };
  const selfNodeClient = {
    subresource: "selfnodeclient",
    message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
  };
  return spec.username === names.commonName ? [selfNodeClient, nodeClient] : [nodeClient];
}
