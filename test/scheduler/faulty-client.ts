/** A client of the API that fails, loses answers, or dies for good, as a seed says. */
import type { Client } from "../../src/client/client.ts";
import { StatusError } from "../../src/machinery/status-error.ts";
import type { Dice } from "../harness/seeded.ts";

export interface FaultyClient {
  client: Client;
  /** Of all writes: this share fails before it is sent, and the same share after it was done. */
  failing: number;
  /** After so many more writes nothing gets through any more, and nobody hears of it: the process is gone. */
  dieAfterWrites: number;
  readonly isDead: boolean;
  /** Under way now, reads included. */
  readonly requests: number;
}

const unreachable = (): StatusError => new StatusError("ServiceUnavailable", "the API could not be reached");

export function createFaultyClient(real: Client, dice: Dice): FaultyClient {
  const state = { failing: 0, dieAfterWrites: Number.POSITIVE_INFINITY, dead: false, requests: 0 };

  async function counted<T>(send: () => Promise<T>): Promise<T> {
    state.requests += 1;
    try {
      return await send();
    } finally {
      state.requests -= 1;
    }
  }
  const write = <T>(send: () => Promise<T>): Promise<T> => counted(() => attempt(send));

  async function attempt<T>(send: () => Promise<T>): Promise<T> {
    if (state.dead) return new Promise<T>(() => {});
    if (state.dieAfterWrites-- <= 0) {
      state.dead = true;
      // Whether its last write was sent is open.
      if (dice.chance(0.5)) await send().catch(() => {});
      return new Promise<T>(() => {});
    }
    if (dice.chance(state.failing)) throw unreachable();
    const answer = await send();
    if (dice.chance(state.failing)) throw unreachable();
    return answer;
  }

  const client: Client = {
    ...real,
    get: (ref, at, subresource) => counted(() => real.get(ref, at, subresource)),
    list: (ref, options) => counted(() => real.list(ref, options)),
    create: (ref, object, at) => write(() => real.create(ref, object, at)),
    createSubresource: (ref, at, subresource, body) => write(() => real.createSubresource(ref, at, subresource, body)),
    update: (ref, object, subresource) => write(() => real.update(ref, object, subresource)),
    patch: (ref, at, type, body, subresource) => write(() => real.patch(ref, at, type, body, subresource)),
    delete: (ref, at, options) => write(() => real.delete(ref, at, options)),
  };
  return {
    client,
    get failing() {
      return state.failing;
    },
    set failing(share) {
      state.failing = share;
    },
    get dieAfterWrites() {
      return state.dieAfterWrites;
    },
    set dieAfterWrites(writes) {
      state.dieAfterWrites = writes;
    },
    get requests() {
      return state.requests;
    },
    get isDead() {
      return state.dead;
    },
  };
}
