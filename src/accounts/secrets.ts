/** Ids and secrets: how they are made, and what is kept of them. */
import type { Random } from "../platform/platform.ts";

export const TOKEN_PREFIX = "gtry_";
const INVITATION_PREFIX = "gtryinv_";
/** No letters that are read as others, and nothing but what a namespace's name may hold. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
const ID_LENGTH = 24;
const SECRET_BYTES = 32;

/** 120 bits that nobody can guess: that an id exists is told to nobody who does not know it. */
export function newId(random: Random, prefix: "org" | "cl" | "tok" | "inv" | "rev"): string {
  const letters = Array.from(random.bytes(ID_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]);
  return `${prefix}-${letters.join("")}`;
}

export const isId = (text: string): boolean => /^[a-z]{2,4}-[a-z2-9]{24}$/.test(text);

export const newToken = (random: Random): string => TOKEN_PREFIX + base64Url(random.bytes(SECRET_BYTES));
export const newInvitation = (random: Random): string => INVITATION_PREFIX + base64Url(random.bytes(SECRET_BYTES));

/** In hex. Secrets are random and long, so a plain digest cannot be turned back, and looking one up by it tells nothing by its time. */
export async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
