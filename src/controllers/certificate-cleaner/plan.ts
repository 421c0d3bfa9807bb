/** When a CertificateSigningRequest has served its purpose: pkg/controller/certificates/cleaner of Kubernetes. */
import { hasCondition, type SigningRequestView } from "../../controller-runtime/views/signing-request-view.ts";
import { timeMs } from "../../controller-runtime/views/view.ts";

const DECIDED_MS = 3_600_000;
const PENDING_MS = 24 * 3_600_000;

/** Unix ms. Infinity: as it is now, never. */
export function planCleaning(view: SigningRequestView): number {
  const { metadata, conditions, isIssued, endsMs = Number.POSITIVE_INFINITY } = view;
  const never = Number.POSITIVE_INFINITY;
  if (conditions.length === 0) return timeMs(metadata.creationTimestamp, never) + PENDING_MS;
  const ends = ["Denied", "Failed", ...(isIssued ? ["Approved"] : [])];
  const decided = conditions
    .filter(({ type }) => ends.includes(type))
    .map(({ lastUpdateTime }) => timeMs(lastUpdateTime, never) + DECIDED_MS);
  const expired = isIssued && hasCondition(view, "Approved") ? endsMs : never;
  return Math.min(...decided, expired);
}
