/**
 * What each signer of Kubernetes signs, and for how long: pkg/apis/certificates/helpers.go and pkg/controller/certificates/signer of
 * Kubernetes (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers).
 */
import type { RequestedNames } from "../../kinds/certificates/certificatesigningrequests/request.ts";

export const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";
export const KUBELET_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";
export const KUBELET_SERVING_SIGNER = "kubernetes.io/kubelet-serving";
/** No request names it any more; certificates/v1 does not allow it. */
export const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";

export interface SigningAsked {
  names: RequestedNames;
  usages: readonly string[];
}

type Rule = (asked: SigningAsked) => string | undefined;

const RULES: Readonly<Record<string, Rule>> = {
  [CLIENT_SIGNER]: clientFault,
  [KUBELET_CLIENT_SIGNER]: kubeletClientFault,
  [KUBELET_SERVING_SIGNER]: kubeletServingFault,
  [LEGACY_SIGNER]: () => undefined,
};

export function isOurSigner(signerName: string): boolean {
  return Object.hasOwn(RULES, signerName);
}

/** Whose certificates are good for nothing where clients cannot show any. */
export function isClientSigner(signerName: string): boolean {
  return signerName === CLIENT_SIGNER || signerName === KUBELET_CLIENT_SIGNER;
}

/** Why the signer does not sign it, in Kubernetes' words; undefined where it does. */
export function signerFault(signerName: string, asked: SigningAsked): string | undefined {
  return RULES[signerName]?.(asked);
}

const OPTIONAL_CLIENT_USAGES = ["digital signature", "key encipherment"];

function clientFault({ usages }: SigningAsked): string | undefined {
  const other = usages.find((usage) => usage !== "client auth" && !OPTIONAL_CLIENT_USAGES.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}

export function kubeletClientFault({ names, usages }: SigningAsked): string | undefined {
  const { dnsNames, emailAddresses, ipAddresses, uris } = names;
  if (!isOfNodes(names)) return NOT_OF_NODES;
  if (dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  return commonNameFault(names) ?? usagesFault(usages, "client auth");
}

function kubeletServingFault({ names, usages }: SigningAsked): string | undefined {
  const { dnsNames, emailAddresses, ipAddresses, uris } = names;
  if (!isOfNodes(names)) return NOT_OF_NODES;
  if (dnsNames.length === 0 && ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  return usagesFault(usages, "server auth") ?? commonNameFault(names);
}

const NOT_OF_NODES = "subject organization is not system:nodes";

function isOfNodes({ organizations }: RequestedNames): boolean {
  return organizations.length === 1 && organizations[0] === "system:nodes";
}

function commonNameFault({ commonName }: RequestedNames): string | undefined {
  return commonName.startsWith("system:node:") ? undefined : "subject common name does not begin with system:node:";
}

/** Keys that cannot encipher, such as ECDSA's, go without "key encipherment". */
function usagesFault(usages: readonly string[], purpose: "client auth" | "server auth"): string | undefined {
  const required = ["digital signature", "key encipherment", purpose].toSorted();
  const given = new Set(usages);
  const complete = required.every((usage) => given.has(usage) || usage === "key encipherment");
  const exact = complete && [...given].every((usage) => required.includes(usage));
  return exact ? undefined : `usages did not match [${required.join(" ")}]`;
}

/** --cluster-signing-duration */
const LIFETIME_SECONDS_MAX = 365 * 24 * 3_600;
const LIFETIME_SECONDS_MIN = 600;

export function lifetimeMs(expirationSeconds: number | undefined): number {
  const seconds = expirationSeconds ?? LIFETIME_SECONDS_MAX;
  return Math.min(Math.max(seconds, LIFETIME_SECONDS_MIN), LIFETIME_SECONDS_MAX) * 1000;
}
