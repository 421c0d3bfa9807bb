/**
 * What a proxied request is answered with, on its way from the agent: the body of the agent's POST begins with a head (its length in four
 * bytes, big-endian, then JSON) and goes on with the body of the answer. So the agent can dial at once, and a client that gives up is
 * noticed however long the pod thinks.
 */
import { StatusError } from "../machinery/status-error.ts";
import { refusal } from "./refusal.ts";

export type ProxyHead =
  | { status: number; headers: [name: string, value: string][] }
  /** The pod could not be asked: the client gets this error. */
  | { refused: { code: number; message: string } };

export const HEAD_LENGTH_BYTES = 4;
const HEAD_BYTES_MAX = 256 * 1024;

export function encodeHead(head: ProxyHead): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(HEAD_LENGTH_BYTES + json.length);
  new DataView(bytes.buffer).setUint32(0, json.length);
  bytes.set(json, HEAD_LENGTH_BYTES);
  return bytes;
}

/** Of the first four bytes. @throws StatusError "InternalError" for what no agent sends */
export function headLength(bytes: Uint8Array): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset, HEAD_LENGTH_BYTES).getUint32(0);
  if (length > HEAD_BYTES_MAX) throw unreadable();
  return length;
}

/** The bytes after the length. @throws StatusError "InternalError" */
export function decodeHead(bytes: Uint8Array): ProxyHead {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as ProxyHead;
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** The node went away before its pod had answered. */
export function hungUp(cause?: unknown): StatusError {
  return new StatusError("ServiceUnavailable", "error trying to reach service: the node hung up", { cause });
}

/** The node said nonsense. */
function unreadable(cause?: unknown): StatusError {
  return new StatusError("InternalError", "the node's answer cannot be read", { cause });
}

const WITHOUT_BODY = new Set([204, 205, 304]);

/** `rest` is what follows the head. @throws StatusError as the agent refused, or "InternalError" for an answer that HTTP does not know */
export function answerOf(head: ProxyHead, rest: ReadableStream<Uint8Array>, method: string): Response {
  if ("refused" in head) throw refusal(head.refused.code, head.refused.message);
  const { status, headers } = head;
  const hasBody = method !== "HEAD" && !WITHOUT_BODY.has(status);
  if (!hasBody) void rest.cancel().catch(() => undefined);
  try {
    // What a pod says is a stream that nobody on the way may hold back or change.
    return new Response(hasBody ? rest : null, { status, headers });
  } catch (cause) {
    throw unreadable(cause);
  }
}
