/**
 * Headers by which one part of a system tells another who is asking. Nobody outside is believed: the platform takes them off each request
 * before anything reads it, and says itself where the request comes from.
 */

/** Where a request comes from; set by the platform alone, where the runtime tells by no header of its own. */
export const ADDRESS_HEADER = "gantry-client-address";

const OTHERS: ReadonlySet<string> = new Set([
  "forwarded",
  "x-real-ip",
  "x-client-ip",
  "true-client-ip",
  ADDRESS_HEADER,
]);

/** In lower case. `x-remote-*` is a front proxy's word for users (RFC of its own in Kubernetes), `x-forwarded-*` for addresses and paths. */
export function isIdentityHeader(name: string): boolean {
  return name.startsWith("x-remote-") || name.startsWith("x-forwarded-") || OTHERS.has(name);
}
