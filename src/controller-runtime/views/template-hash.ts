/** A hash that stands for a pod template, so that stores need not hold templates. */
import type { PodTemplateSpec } from "../../kinds/core/pods/types.ts";

export const POD_TEMPLATE_HASH = "pod-template-hash";

/** Equal for templates that differ in the order of fields or in the label that carries the hash itself. */
export function templateIdentity(template: PodTemplateSpec | undefined): string {
  if (!template) return "";
  const { [POD_TEMPLATE_HASH]: _hash, ...labels } = template.metadata?.labels ?? {};
  const { creationTimestamp: _never, ...rest } = template.metadata ?? {};
  const metadata = Object.fromEntries(Object.entries({ ...rest, labels }).filter(([, field]) => !isEmptyObject(field)));
  const text = canonical({ ...template, metadata });
  return `${fnv1a(text, 0x811c9dc5).toString(16)}-${fnv1a(text, 0x9747b28c).toString(16)}-${text.length.toString(16)}`;
}

/** As Kubernetes writes it: digits and consonants, so that no words come out. */
const SAFE = "bcdfghjklmnpqrstvwxz2456789";

/** The label and name suffix of a ReplicaSet: stable for a template, another one for each collision. */
export function templateHash(identity: string, collisionCount: number | undefined): string {
  let number = fnv1a(collisionCount === undefined ? identity : `${identity}#${collisionCount}`, 0x811c9dc5);
  let text = "";
  for (let index = 0; index < 7; index++) {
    text += SAFE[number % SAFE.length] ?? "b";
    number = Math.floor(number / SAFE.length) ^ (index === 3 ? fnv1a(identity, 0x9747b28c) >>> 4 : 0);
    number >>>= 0;
  }
  return text;
}

/** 32 bits, never negative. */
export function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  // FNV mixes its last characters badly into the high bits.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`;
}

function isEmptyObject(value: unknown): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0;
}
