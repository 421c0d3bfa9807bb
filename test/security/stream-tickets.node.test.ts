/**
 * The ticket by which a node's agent dials the stream that it was asked for: guessed, stolen, used twice, shown for another stream, by
 * another node or in another way. Both brokers, over real sockets; that of the edge in workerd.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connectAgent,
  dialStatus,
  execOn,
  openedOf,
  RELAYS,
  socketTo,
  type SilentAgent,
  type StreamRelay,
} from "../harness/stream-relays.ts";

const isRefused = (status: number): boolean => status >= 400 && status < 500;

describe.each(RELAYS)("on %s", (_name, start) => {
  let relay: StreamRelay;
  let owner: SilentAgent;
  let thief: SilentAgent;
  beforeAll(async () => {
    relay = await start();
    [owner, thief] = [await connectAgent(relay, "n1"), await connectAgent(relay, "n2")];
  }, 60_000);
  afterAll(async () => {
    owner.stop();
    thief.stop();
    await relay.stop();
  });

  /** A client waits for n1. */
  async function waiting() {
    const client = execOn(relay, "n1");
    client.catch(() => {});
    const { id, ticket } = await openedOf(owner, owner.opened.length + 1);
    return { client, id, ticket, path: `/agent/v1/streams/${id}?ticket=${ticket}` };
  }

  test("a ticket is random, long, and another each time", async () => {
    const [a, b] = [await waiting(), await waiting()];
    for (const one of [a, b]) {
      expect(one.ticket).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(await dialStatus(relay, one.path, owner.credential)).toBe(101);
    }
    expect(a.ticket).not.toBe(b.ticket);
    expect(a.id).not.toBe(b.id);
  });

  test("nothing else opens the stream, and nothing of that uses it up", async () => {
    const [{ client, id, ticket, path }, other] = [await waiting(), await waiting()];
    const at = `/agent/v1/streams/${id}`;
    const wrong = [
      at,
      `${at}?ticket=`,
      `${at}?ticket=wrong`,
      `${at}?ticket=${ticket.slice(0, -1)}`,
      `${at}?ticket=${ticket}x`,
      `${at}?ticket=${ticket.slice(0, -1)}${ticket.endsWith("A") ? "E" : "A"}`,
      `${at}?ticket=${ticket.toLowerCase()}${ticket === ticket.toLowerCase() ? "x" : ""}`,
      `${at}?ticket=${other.ticket}`,
      `${at}?ticket=wrong&ticket=${ticket}`,
      `${at}?Ticket=${ticket}`,
      `${at}?node=n1`,
      `${at}?node=n1&ticket=wrong`,
      `${at}/?ticket=${ticket}`,
      `${at}%00?ticket=${ticket}`,
      `/agent/v1/streams/?ticket=${ticket}`,
      `/agent/v1/streams/${"0".repeat(id.length)}?ticket=${ticket}`,
      `/agent/v1/streams/..%2f${id}?ticket=${ticket}`,
    ];
    const statuses = await Promise.all(wrong.map((one) => dialStatus(relay, one, owner.credential)));
    expect(wrong.filter((_, index) => statuses[index] === 101)).toEqual([]);
    const bodies = await Promise.all(
      ["POST", "GET"].map(async (method) => {
        const headers = { authorization: `Bearer ${thief.credential}` };
        const body = method === "POST" ? "stolen" : undefined;
        return (await relay.fetch(new Request(relay.url + path, { method, headers, ...(body ? { body } : {}) })))
          .status;
      }),
    );
    expect(bodies.every(isRefused), String(bodies)).toBe(true);
    expect(await dialStatus(relay, path, thief.credential), "another node").toBe(403);
    expect(isRefused(await dialStatus(relay, `${path}&node=n1`, thief.credential))).toBe(true);
    // The owner still gets it, and the client is answered.
    const agent = await socketTo(relay, path, { credential: owner.credential });
    const socket = await client;
    agent.terminate();
    socket.terminate();
  }, 40_000);

  test("it is good once", async () => {
    const { client, path } = await waiting();
    const agent = await socketTo(relay, path, { credential: owner.credential });
    const socket = await client;
    for (const credential of [owner.credential, thief.credential])
      expect(isRefused(await dialStatus(relay, path, credential))).toBe(true);
    agent.terminate();
    socket.terminate();
    expect(isRefused(await dialStatus(relay, path, owner.credential)), "when it is over").toBe(true);
  });

  test("of many who show it at once, one is served", async () => {
    const { client, path } = await waiting();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => dialStatus(relay, path, owner.credential)));
    expect(outcomes.filter((status) => status === 101)).toHaveLength(1);
    (await client).terminate();
  });

  test("another node's word does not end the stream", async () => {
    const { client, id, path } = await waiting();
    thief.say({ type: "refuse", id, code: 404, message: "the thief says so" });
    // What it says after that is heard after that.
    const own = execOn(relay, "n2");
    const { id: ownId } = await openedOf(thief, thief.opened.length + 1);
    thief.say({ type: "refuse", id: ownId, code: 404, message: "its own" });
    await expect(own).rejects.toMatchObject({ status: 404 });
    const agent = await socketTo(relay, path, { credential: owner.credential });
    const socket = await client;
    agent.terminate();
    socket.terminate();
  });
});
