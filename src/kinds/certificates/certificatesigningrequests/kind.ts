import { humanDuration } from "../../../machinery/human-duration.ts";
import { formatTime } from "../../../machinery/meta.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import type { CertificateSigningRequest, SigningCondition } from "./types.ts";
import { validateSigningRequest, validateSigningRequestUpdate, verifySigningRequest } from "./validation.ts";

export const certificateSigningRequestKind = defineKind<CertificateSigningRequest>({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  namespaced: false,
  schema: "io.k8s.api.certificates.v1.CertificateSigningRequest",
  shortNames: ["csr"],
  nameRule: "path-segment",
  columns: [
    nameColumn,
    ageColumn,
    text("SignerName", "Who is asked to sign.", ({ spec }) => spec.signerName || "<none>"),
    text("Requestor", "Who asks.", ({ spec }) => spec.username ?? ""),
    text("RequestedDuration", "For how long.", ({ spec }) =>
      spec.expirationSeconds === undefined ? "<none>" : humanDuration(spec.expirationSeconds * 1000),
    ),
    text("Condition", "What became of it.", conditionCell),
  ],
  subresources: [statusSubresource, { name: "approval", verbs: ["get", "patch", "update"] }],
  strategy: {
    countsGenerations: false,
    prepareForCreate(request, { user }) {
      const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...asked } = request.spec;
      request.spec = { ...asked, ...requester(user) };
      request.status = {};
    },
    prepareForUpdate,
    verify: verifySigningRequest,
    validate: validateSigningRequest,
    validateUpdate: validateSigningRequestUpdate,
    fields: ({ spec }) => ({ "spec.signerName": spec.signerName ?? "" }),
  },
});

function requester(user: StrategyContext["user"]): Partial<CertificateSigningRequest["spec"]> {
  if (!user) return {};
  const { name, uid, groups, extra } = user;
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    ...(extra === undefined ? {} : { extra: structuredClone(extra) as Record<string, string[]> }),
  };
}

/** What is asked for never changes; approval decides, and nothing else does. */
function prepareForUpdate(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { subresource, nowMs }: StrategyContext,
): void {
  request.spec = structuredClone(old.spec);
  if (subresource === "") return;
  const wanted = request.status?.conditions ?? [];
  const conditions = stamped(wanted, old.status?.conditions ?? [], formatTime(nowMs));
  const { conditions: _conditions, ...status } = (subresource === "approval" ? old.status : request.status) ?? {};
  request.status = { ...status, ...(conditions.length === 0 ? {} : { conditions }) };
}

function stamped(
  now: readonly SigningCondition[],
  before: readonly SigningCondition[],
  time: string,
): SigningCondition[] {
  return now.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    const lastUpdateTime = condition.lastUpdateTime ?? time;
    const lastTransitionTime =
      condition.lastTransitionTime ?? (old?.status === condition.status ? old.lastTransitionTime : undefined) ?? time;
    return { ...condition, lastUpdateTime, lastTransitionTime };
  });
}

function conditionCell({ status }: CertificateSigningRequest): string {
  const types = new Set((status?.conditions ?? []).map(({ type }) => type));
  const decision = types.has("Denied") ? "Denied" : types.has("Approved") ? "Approved" : "Pending";
  return [decision, ...(types.has("Failed") ? ["Failed"] : []), ...(status?.certificate ? ["Issued"] : [])].join(",");
}
