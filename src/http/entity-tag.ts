/** Entity tags of documents that are the same for everybody: a hash of their text, as kube-apiserver makes them. */
import { toHex } from "../pki/encoding.ts";

/** SHA-512 in upper-case hex; quoted it is the ETag, bare it goes into addresses that carry a hash. */
export async function contentHash(text: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-512", bytes))).toUpperCase();
}

/** Whether the client holds this version already (RFC 9110, 13.1.2: weak comparison, "*" is any). `etag` is quoted. */
export function isKnown(request: Request, etag: string): boolean {
  const header = request.headers.get("if-none-match");
  if (header === null) return false;
  return header.split(",").some((part) => {
    const tag = part.trim();
    return tag === "*" || (tag.startsWith("W/") ? tag.slice(2) : tag) === etag;
  });
}
