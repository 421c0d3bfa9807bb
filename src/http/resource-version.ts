/** The `resourceVersion` of a request: an unsigned 64-bit integer as text. After APIObjectVersioner of k8s.io/apiserver. */
import { badRequest, fieldError } from "../machinery/status-error.ts";

const UINT64_MAX = 2n ** 64n - 1n;
/** Of any number of 64 bits. To read a million digits takes a tenth of a second. */
const DIGITS_MAX = 20;

/** Unset, or "0": whatever state the server has. */
export function isAnyRevision(text: string): boolean {
  return text === "" || text === "0";
}

/**
 * Above 2^53 the number is about the one of the text: it has not been written yet either way.
 * A stock server answers GET and WATCH with 500 here; what a client got wrong is never a 5xx of ours.
 * @throws StatusError "BadRequest"
 */
export function parseRevision(text: string, context = ""): number {
  const fault = faultOf(text);
  if (fault === undefined) return Number(text);
  const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${fault}`;
  throw badRequest(`${context}resourceVersion: ${fieldError.invalid("", text, why).message}`);
}

function faultOf(text: string): string | undefined {
  if (!/^[0-9]+$/.test(text)) return "invalid syntax";
  const digits = text.replace(/^0+/, "");
  if (digits.length > DIGITS_MAX) return "value out of range";
  return digits.length > 15 && BigInt(digits) > UINT64_MAX ? "value out of range" : undefined;
}
