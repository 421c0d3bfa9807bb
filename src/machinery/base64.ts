/** Base64 (RFC 4648, with padding) of bytes and of text in UTF-8. */

/** Arguments of one call are limited. */
const CHUNK_LENGTH = 0x2000;

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK_LENGTH) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK_LENGTH));
  }
  return btoa(binary);
}

/** @throws DOMException for what is no base64 */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function textToBase64(text: string): string {
  return toBase64(new TextEncoder().encode(text));
}

export function textFromBase64(base64: string): string {
  return new TextDecoder().decode(fromBase64(base64));
}
