/** Comparison of secrets: how long it takes must not tell where they begin to differ. */

/**
 * Looks at every element of both, wherever they differ; only their lengths show. Never leaves early.
 * Elements are numbers of at most 32 bits: bytes.
 */
export function sameBytes(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  const length = Math.max(a.length, b.length);
  let difference = a.length ^ b.length;
  for (let at = 0; at < length; at += 1) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

const encoder = new TextEncoder();

/** Of secrets whose length is no secret. */
export function sameSecret(a: string, b: string): boolean {
  return sameBytes(encoder.encode(a), encoder.encode(b));
}
