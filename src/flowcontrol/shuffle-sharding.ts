/**
 * Deals each flow a few of the queues of its level. Two flows share all of them hardly ever, so that one that floods its own leaves the
 * other a free one (k8s.io/apiserver/pkg/util/shufflesharding).
 */

/** `handSize` different numbers below `deckSize`, always the same for the same flow. */
export function dealHand(flow: string, { deckSize, handSize }: { deckSize: number; handSize: number }): number[] {
  const hand: number[] = [];
  const next = numbers(hash(flow));
  for (let dealt = 0; dealt < Math.min(handSize, deckSize); dealt++) {
    // A place among the cards that are left, as the card itself: it moves up past each smaller one that is gone.
    let card = next() % (deckSize - dealt);
    for (const gone of hand.toSorted((a, b) => a - b)) if (card >= gone) card++;
    hand.push(card);
  }
  return hand;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

/** mulberry32: its first numbers differ well even for seeds that hardly do. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
