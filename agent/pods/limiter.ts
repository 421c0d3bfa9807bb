/** At most `limit` things at once; the rest wait in order. */
export interface Limiter {
  run<T>(action: () => Promise<T>): Promise<T>;
}

export function createLimiter(limit: number): Limiter {
  let active = 0;
  const queue: (() => void)[] = [];
  return {
    async run(action) {
      if (active >= limit) await new Promise<void>((resolve) => queue.push(resolve));
      else active++;
      try {
        return await action();
      } finally {
        // The place is handed on, so that nobody slips in between.
        const next = queue.shift();
        if (next === undefined) active--;
        else next();
      }
    },
  };
}
