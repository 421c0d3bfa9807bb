/**
 * Names of Events: the object's name and the time in hexadecimal nanoseconds, as client-go's recorder makes them. So a list by name is in
 * order of time, which `kubectl describe` shows events of one second in.
 */
export function createEventNames(deps: {
  clock: { now(): number };
  random: { fraction(): number };
}): (about: string) => string {
  let last = 0n;
  return (about) => {
    // The clock counts milliseconds; the rest is drawn, so that two recorders do not meet.
    const now = BigInt(deps.clock.now()) * 1_000_000n + BigInt(Math.floor(deps.random.fraction() * 1_000_000));
    last = now > last ? now : last + 1n;
    return `${about}.${last.toString(16)}`;
  };
}
