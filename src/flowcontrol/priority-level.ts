/** One priority level: lets requests in as seats are free, has the others wait in fair queues, and turns away what is too much. */
import type { Timers } from "../platform/platform.ts";
import { FairQueues, type FairQueue, type QueueLimits } from "./fair-queues.ts";
import { TooManyRequests, type Rejection } from "./flow-counts.ts";
import type { LevelSeats } from "./seats.ts";

/** Who waits longer is turned away: a quarter of a request's minute, as in Kubernetes. */
const WAIT_MS_MAX = 15_000;

/** A place at the table, to be left once. */
export interface Seat {
  leave(): void;
}

export class PriorityLevel {
  readonly #timers: Timers;
  readonly seats: LevelSeats;
  #queues: FairQueues | undefined;
  #limits: QueueLimits | undefined;

  constructor(deps: { timers: Timers; seats: LevelSeats; queues: QueueLimits | undefined }) {
    this.#timers = deps.timers;
    this.seats = deps.seats;
    this.setQueues(deps.queues);
  }

  /** Who waits in queues of another number is let in: it happens when somebody changes the level, and is soon over. */
  setQueues(limits: QueueLimits | undefined): void {
    if (JSON.stringify(limits) === JSON.stringify(this.#limits)) return;
    const before = this.#queues;
    this.#limits = limits;
    this.#queues = limits && new FairQueues(limits);
    for (let next = before?.next(); next; next = before?.next()) {
      this.seats.take();
      next.waiting.admit();
    }
  }

  /** At once where there is room. @throws StatusError "TooManyRequests", also from the promise */
  enter(flow: string, signal: () => AbortSignal | undefined): Seat | Promise<Seat> {
    const queues = this.#queues;
    if (!queues) {
      if (!this.seats.tryTake()) throw new TooManyRequests("concurrency-limit");
      return this.#seat(undefined, undefined);
    }
    const queue = queues.queueOf(flow);
    // Whoever waits was here first.
    if (!queues.hasWaiting && this.seats.tryTake()) return this.#seat(queues, queue);
    return this.#wait(queues, queue, signal());
  }

  get hasWaiting(): boolean {
    return this.#queues?.hasWaiting ?? false;
  }

  /** A seat may have become free, here or in another level. */
  admitWaiting(): void {
    while (this.#queues?.hasWaiting && this.seats.tryTake()) {
      this.#queues.next()?.waiting.admit();
    }
  }

  #seat(queues: FairQueues | undefined, queue: FairQueue | undefined): Seat {
    if (queues && queue) queues.seated(queue);
    return {
      leave: () => {
        if (queue) queue.seats--;
        this.seats.giveBack();
      },
    };
  }

  #wait(queues: FairQueues, queue: FairQueue, signal: AbortSignal | undefined): Promise<Seat> {
    return new Promise((resolve, reject) => {
      const waiting = {
        admit: () => {
          end();
          resolve(this.#seat(queues, queue));
        },
      };
      const giveUp = (why: Rejection): void => {
        end();
        if (queues.leave(queue, waiting)) reject(new TooManyRequests(why));
      };
      const aborted = (): void => giveUp("cancelled");
      const cancel = this.#timers.after(WAIT_MS_MAX, () => giveUp("time-out"));
      const end = (): void => {
        cancel();
        signal?.removeEventListener("abort", aborted);
      };
      if (!queues.enqueue(queue, waiting)) {
        end();
        reject(new TooManyRequests("queue-full"));
        return;
      }
      signal?.addEventListener("abort", aborted, { once: true });
      // There may be room, but for those who wait already.
      this.admitWaiting();
    });
  }
}
