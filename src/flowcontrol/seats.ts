/**
 * The seats of all levels. What a level does not lend is always its own; the rest goes to whoever comes, up to what a level may borrow
 * (KEP-1040). Stock moves the borders every ten seconds; here they are looked at whenever a seat is asked for.
 */

export interface SeatShare {
  /** Seats by the level's share. */
  nominal: number;
  /** Never lent. */
  kept: number;
  /** With all that it may borrow. */
  max: number;
}

export interface SeatConfig {
  shares: number;
  lendablePercent: number;
  /** Undefined: it may borrow all that is lent. */
  borrowingLimitPercent: number | undefined;
}

export function shareOf(
  { shares, lendablePercent, borrowingLimitPercent }: SeatConfig,
  { seats, sharesTotal }: { seats: number; sharesTotal: number },
): SeatShare {
  const nominal = Math.ceil((seats * shares) / Math.max(sharesTotal, 1));
  const lendable = Math.round((nominal * lendablePercent) / 100);
  const borrowable = borrowingLimitPercent === undefined ? seats : Math.round((nominal * borrowingLimitPercent) / 100);
  return { nominal, kept: nominal - lendable, max: nominal + borrowable };
}

/** One level's view of the seats. */
export interface LevelSeats {
  readonly taken: number;
  tryTake(): boolean;
  /** Whether there is room or not. */
  take(): void;
  giveBack(): void;
  /** New borders; who sits stays. */
  setShare(share: SeatShare): void;
  /** The level is gone: nothing is kept for it. */
  close(): void;
}

export class Seats {
  /** Of all levels together: each has one at least, so there may be a few more than were asked for. */
  #total: number;
  #taken = 0;
  /** What levels keep for themselves and do not use now. */
  #reserved = 0;

  constructor(total: number) {
    this.#total = total;
  }

  setTotal(total: number): void {
    this.#total = total;
  }

  level(share: SeatShare): LevelSeats {
    let current = share;
    let taken = 0;
    const reserved = () => Math.max(0, current.kept - taken);
    const change = (step: () => void): void => {
      const before = reserved();
      step();
      this.#reserved += reserved() - before;
    };
    this.#reserved += reserved();
    const take = (): void => {
      change(() => taken++);
      this.#taken++;
    };
    return {
      take,
      get taken() {
        return taken;
      },
      tryTake: () => {
        const isOwn = taken < current.kept;
        const isFree = this.#taken + this.#reserved < this.#total;
        if (!isOwn && !(taken < current.max && isFree)) return false;
        take();
        return true;
      },
      giveBack: () => {
        change(() => taken--);
        this.#taken--;
      },
      setShare: (next) => change(() => (current = next)),
      close: () => change(() => (current = { nominal: 0, kept: 0, max: 0 })),
    };
  }
}
