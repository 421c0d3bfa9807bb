/**
 * API priority and fairness (KEP-1040) by the flow schemas and priority levels that are stored. Each request belongs to a flow of a
 * level; levels share the seats of this process, flows share those of their level. It is this process's alone: on the edge every isolate
 * has seats of its own.
 */
import type { User } from "../authn/authenticator.ts";
import { MANDATORY_LEVELS, MANDATORY_SCHEMAS } from "../kinds/flowcontrol/mandatory.ts";
import { SUGGESTED_LEVELS, SUGGESTED_SCHEMAS } from "../kinds/flowcontrol/suggested.ts";
import type { FlowRule, FlowSchema, PriorityLevelConfiguration } from "../kinds/flowcontrol/types.ts";
import type { Timers } from "../platform/platform.ts";
import type { QueueLimits } from "./fair-queues.ts";
import { TooManyRequests, UNCOUNTED, type FlowCounter, type FlowCounts } from "./flow-counts.ts";
import { PriorityLevel, type Seat } from "./priority-level.ts";
import { inOrder, matchesRule, rulesFor, type FlowRequest } from "./schema-rules.ts";
import { Seats, shareOf, type SeatConfig } from "./seats.ts";

/** kube-apiserver's --max-requests-inflight and --max-mutating-requests-inflight together. */
export const SEATS_DEFAULT = 600;

export interface FlowConfiguration {
  schemas: readonly FlowSchema[];
  levels: readonly PriorityLevelConfiguration[];
}

export const DEFAULT_FLOW_CONFIGURATION: FlowConfiguration = {
  schemas: [...MANDATORY_SCHEMAS, ...SUGGESTED_SCHEMAS],
  levels: [...MANDATORY_LEVELS, ...SUGGESTED_LEVELS],
};

/** How a request was judged. */
export interface Flow {
  /** `X-Kubernetes-PF-*`. */
  headers: Readonly<Record<string, string>>;
  /**
   * At once where there is room, or where nothing is counted. @throws StatusError "TooManyRequests", also from the promise
   */
  enter(signal: () => AbortSignal | undefined): Seat | Promise<Seat>;
}

export interface FlowControl {
  classify(user: User, request: FlowRequest): Flow;
  /** Takes a new configuration; who sits or waits stays. */
  configure(configuration: FlowConfiguration): void;
}

interface Schema {
  object: FlowSchema;
  level: PriorityLevel | undefined;
  counter: FlowCounter;
  headers: Readonly<Record<string, string>>;
}

interface Candidate {
  schema: Schema;
  rules: readonly FlowRule[];
}

const QUEUES_DEFAULT = { queues: 64, handSize: 8, queueLengthLimit: 50 };
const SHARES_DEFAULT = 30;

export interface FlowControlDeps {
  timers: Timers;
  seats?: number;
  counts?: FlowCounts;
}

export function createFlowControl(deps: FlowControlDeps): FlowControl {
  return new SeatedFlowControl(deps);
}

const NO_SEAT: Seat = { leave: () => {} };

class SeatedFlowControl implements FlowControl {
  readonly #timers: Timers;
  readonly #seatsTotal: number;
  readonly #seats: Seats;
  readonly #counts: FlowCounts;
  /** Limited ones by name. */
  readonly #levels = new Map<string, PriorityLevel>();
  #schemas: readonly Schema[] = [];
  /** Users are remembered by the authenticator, so most requests find theirs here. */
  #candidates = new WeakMap<User, readonly Candidate[]>();

  constructor({ timers, seats = SEATS_DEFAULT, counts = UNCOUNTED }: FlowControlDeps) {
    this.#timers = timers;
    this.#counts = counts;
    this.#seatsTotal = seats;
    this.#seats = new Seats(seats);
    this.configure(DEFAULT_FLOW_CONFIGURATION);
  }

  configure({ schemas, levels }: FlowConfiguration): void {
    const limited = levels.filter(({ spec }) => spec.type === "Limited");
    const sharesTotal = limited.reduce((sum, { spec }) => sum + seatConfig(spec).shares, 0);
    for (const { metadata, spec } of limited) {
      const share = shareOf(seatConfig(spec), { seats: this.#seatsTotal, sharesTotal });
      const queues = queueLimits(spec);
      const known = this.#levels.get(metadata.name ?? "");
      known?.seats.setShare(share);
      known?.setQueues(queues);
      if (known) continue;
      const seats = this.#seats.level(share);
      this.#levels.set(metadata.name ?? "", new PriorityLevel({ timers: this.#timers, seats, queues }));
    }
    this.#dropLevels(new Set(limited.map(({ metadata }) => metadata.name ?? "")));
    this.#schemas = this.#schemasOf(schemas, levels);
    this.#candidates = new WeakMap();
    this.#admitWaiting();
  }

  classify(user: User, request: FlowRequest): Flow {
    for (const { schema, rules } of this.#candidatesOf(user)) {
      if (!rules.some((rule) => matchesRule(rule, request))) continue;
      const { level, headers, counter } = schema;
      if (!level) return { headers, enter: () => exemptSeat(counter) };
      return { headers, enter: (signal) => this.#enter(schema, level, { user, request, signal }) };
    }
    // The catch-all schema is made anew when somebody deletes it; until then nobody is turned away for it.
    return { headers: {}, enter: () => NO_SEAT };
  }

  #enter(
    { object, counter }: Schema,
    level: PriorityLevel,
    { user, request, signal }: { user: User; request: FlowRequest; signal: () => AbortSignal | undefined },
  ): Seat | Promise<Seat> {
    let entered: Seat | Promise<Seat>;
    try {
      entered = level.enter(flowOf(object, user, request), signal);
    } catch (error) {
      if (error instanceof TooManyRequests) counter.rejected(error.rejection);
      throw error;
    }
    if (entered instanceof Promise) return this.#awaited(entered, level, counter);
    counter.dispatched();
    return this.#wrapped(level, entered, counter);
  }

  async #awaited(waiting: Promise<Seat>, level: PriorityLevel, counter: FlowCounter): Promise<Seat> {
    const queuedAtMs = counter.queued();
    let seat: Seat;
    try {
      seat = await waiting;
    } catch (error) {
      counter.rejected(error instanceof TooManyRequests ? error.rejection : "cancelled", queuedAtMs);
      throw error;
    }
    counter.dispatched(queuedAtMs);
    return this.#wrapped(level, seat, counter);
  }

  #wrapped(level: PriorityLevel, seat: Seat, counter: FlowCounter): Seat {
    return {
      leave: () => {
        seat.leave();
        counter.finished();
        level.admitWaiting();
        this.#admitWaiting();
      },
    };
  }

  #admitWaiting(): void {
    for (const level of this.#levels.values()) if (level.hasWaiting) level.admitWaiting();
  }

  #candidatesOf(user: User): readonly Candidate[] {
    const known = this.#candidates.get(user);
    if (known) return known;
    const found = this.#schemas
      .map((schema) => ({ schema, rules: rulesFor(schema.object, user) }))
      .filter(({ rules }) => rules.length > 0);
    this.#candidates.set(user, found);
    return found;
  }

  #schemasOf(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): Schema[] {
    const byName = new Map(levels.map((level) => [level.metadata.name ?? "", level]));
    return inOrder(schemas).flatMap((object) => {
      const name = object.spec.priorityLevelConfiguration.name;
      const configuration = byName.get(name);
      // A schema of a level that is not there judges nobody (its condition Dangling says so).
      if (!configuration) return [];
      const headers = {
        "X-Kubernetes-PF-FlowSchema-UID": object.metadata.uid ?? "",
        "X-Kubernetes-PF-PriorityLevel-UID": configuration.metadata.uid ?? "",
      };
      const counter = this.#counts.of({ level: name, schema: object.metadata.name ?? "" });
      return [{ object, level: this.#levels.get(name), counter, headers }];
    });
  }

  #dropLevels(kept: ReadonlySet<string>): void {
    for (const [name, level] of this.#levels) {
      if (kept.has(name)) continue;
      level.setQueues(undefined);
      level.seats.close();
      this.#levels.delete(name);
    }
  }
}

/** Who is exempt takes none, but is counted. */
function exemptSeat(counter: FlowCounter): Seat {
  counter.dispatched();
  return { leave: () => counter.finished() };
}

function flowOf({ metadata, spec }: FlowSchema, user: User, { namespace }: FlowRequest): string {
  const { type } = spec.distinguisherMethod ?? {};
  const name = metadata.name ?? "";
  if (type === "ByUser") return `${name}\n${user.name}`;
  return type === "ByNamespace" ? `${name}\n${namespace}` : name;
}

function seatConfig({ limited }: PriorityLevelConfiguration["spec"]): SeatConfig {
  return {
    shares: limited?.nominalConcurrencyShares ?? SHARES_DEFAULT,
    lendablePercent: limited?.lendablePercent ?? 0,
    borrowingLimitPercent: limited?.borrowingLimitPercent,
  };
}

function queueLimits({ limited }: PriorityLevelConfiguration["spec"]): QueueLimits | undefined {
  if (limited?.limitResponse?.type !== "Queue") return undefined;
  const { queues, handSize, queueLengthLimit } = { ...QUEUES_DEFAULT, ...limited.limitResponse.queuing };
  return { queues, handSize, queueLengthMax: queueLengthLimit };
}
