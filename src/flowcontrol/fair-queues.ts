/**
 * The queues of one level. A free seat goes to the queue with the fewest seats, and of several to the one served least recently: so flows
 * share seats evenly, however many requests one of them has waiting, and however long those take.
 */
import { dealHand } from "./shuffle-sharding.ts";

export interface QueueLimits {
  queues: number;
  handSize: number;
  queueLengthMax: number;
}

export interface Waiting {
  admit(): void;
}

export interface FairQueue {
  seats: number;
  /** Number of the last admission from here. */
  served: number;
  waiting: Waiting[];
}

/** Flows whose hands are remembered. */
const HANDS_MAX = 1_000;

export class FairQueues {
  readonly #limits: QueueLimits;
  readonly #queues: FairQueue[];
  readonly #hands = new Map<string, readonly FairQueue[]>();
  /** Those with somebody waiting. */
  readonly #crowded = new Set<FairQueue>();
  #admissions = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#queues = Array.from({ length: limits.queues }, () => ({ seats: 0, served: 0, waiting: [] }));
  }

  get hasWaiting(): boolean {
    return this.#crowded.size > 0;
  }

  /** The emptiest of the flow's queues. */
  queueOf(flow: string): FairQueue {
    const [first, ...others] = this.#handOf(flow);
    if (first === undefined) throw new Error("a level without queues");
    const load = ({ seats, waiting }: FairQueue) => seats + waiting.length;
    let best = first;
    for (const queue of others) if (load(queue) < load(best)) best = queue;
    return best;
  }

  /** Takes its place at the end; false where there is none. */
  enqueue(queue: FairQueue, waiting: Waiting): boolean {
    if (queue.waiting.length >= this.#limits.queueLengthMax) return false;
    queue.waiting.push(waiting);
    this.#crowded.add(queue);
    return true;
  }

  /** It waits no more. False: it was admitted already. */
  leave(queue: FairQueue, waiting: Waiting): boolean {
    const at = queue.waiting.indexOf(waiting);
    if (at < 0) return false;
    queue.waiting.splice(at, 1);
    if (queue.waiting.length === 0) this.#crowded.delete(queue);
    return true;
  }

  /** A request of this queue has a seat now. */
  seated(queue: FairQueue): void {
    queue.seats++;
    queue.served = ++this.#admissions;
  }

  /** Who is to have the next seat. */
  next(): { queue: FairQueue; waiting: Waiting } | undefined {
    let best: FairQueue | undefined;
    for (const queue of this.#crowded) {
      if (!best || queue.seats < best.seats || (queue.seats === best.seats && queue.served < best.served)) best = queue;
    }
    const waiting = best?.waiting.shift();
    if (!best || !waiting) return undefined;
    if (best.waiting.length === 0) this.#crowded.delete(best);
    return { queue: best, waiting };
  }

  #handOf(flow: string): readonly FairQueue[] {
    const known = this.#hands.get(flow);
    if (known) return known;
    if (this.#hands.size >= HANDS_MAX) this.#hands.clear();
    const { queues, handSize } = this.#limits;
    const hand = dealHand(flow, { deckSize: queues, handSize }).flatMap((at) => this.#queues[at] ?? []);
    this.#hands.set(flow, hand);
    return hand;
  }
}
