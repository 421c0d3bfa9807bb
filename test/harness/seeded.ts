/** Random tests: the same seed gives the same run, in every runtime. */

export interface Dice {
  /** Integer in [0, below). */
  roll(below: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** mulberry32: small, and good enough to shuffle tests. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    roll: (below) => Math.floor(fraction() * below),
    chance: (probability) => fraction() < probability,
    pick: (from) => {
      const picked = from[Math.floor(fraction() * from.length)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
  };
}

/** Runs with a new seed and names it when the run fails, so that the failure can be repeated. */
export async function withSeed(run: (dice: Dice, seed: number) => Promise<void>, seed = newSeed()): Promise<void> {
  console.log(`seed ${seed}`);
  try {
    await run(createDice(seed), seed);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
