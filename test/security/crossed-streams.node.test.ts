/**
 * Many streams at once, of two nodes, dialled in any order: each client hears its own pod and nobody else's. Both brokers, over real
 * sockets; that of the edge in workerd.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { createDice } from "../harness/seeded.ts";
import {
  connectAgent,
  dialStatus,
  execOn,
  openedOf,
  RELAYS,
  socketTo,
  type OpenMessage,
  type SilentAgent,
  type StreamRelay,
} from "../harness/stream-relays.ts";

const STREAMS = 16;
const SEED = 20_261_127;

const markOf = ({ target }: OpenMessage): string => new URLSearchParams(target.query).get("command") ?? "";
const next = (socket: WebSocket): Promise<string> =>
  new Promise((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));

describe.each(RELAYS)("on %s", (_name, start) => {
  let relay: StreamRelay;
  let agents: SilentAgent[];
  beforeAll(async () => {
    relay = await start();
    agents = [await connectAgent(relay, "n1"), await connectAgent(relay, "n2")];
  }, 60_000);
  afterAll(async () => {
    for (const agent of agents) agent.stop();
    await relay.stop();
  });

  /** The agent's end: it says whose it is, and sends back what it hears. */
  async function serve({ credential }: SilentAgent, message: OpenMessage): Promise<WebSocket> {
    const path = `/agent/v1/streams/${message.id}?ticket=${message.ticket}`;
    const socket = await socketTo(relay, path, { credential });
    socket.on("message", (data: Buffer) => socket.send(`${markOf(message)} heard ${data.toString()}`));
    return socket;
  }

  test(`each client has its own pod, seed ${SEED}`, { timeout: 60_000 }, async () => {
    const dice = createDice(SEED);
    const marks = Array.from({ length: STREAMS }, (_, at) => ({ mark: `stream-${at}`, agent: at % 2 }));
    const clients = marks.map(({ mark, agent }) =>
      execOn(relay, agents[agent]?.nodeName ?? "", `kind=exec&command=${mark}`),
    );
    const asked: [SilentAgent, OpenMessage][] = [];
    for (const agent of agents) {
      await openedOf(agent, STREAMS / 2);
      for (const message of agent.opened) asked.push([agent, message]);
    }
    // Each node is asked for its own pods' streams alone.
    for (const [agent, message] of asked)
      expect(marks.find(({ mark }) => mark === markOf(message))?.agent).toBe(agents.indexOf(agent));
    // No node reaches the other's, whatever it has overheard.
    for (const [agent, { id, ticket }] of asked) {
      const other = agents.find((one) => one !== agent);
      const path = `/agent/v1/streams/${id}?ticket=${ticket}`;
      expect(await dialStatus(relay, path, other?.credential ?? "")).toBe(403);
    }
    const shuffled = asked.map((one) => ({ one, at: dice.roll(1_000_000) })).toSorted((a, b) => a.at - b.at);
    const ends = await Promise.all(shuffled.map(({ one: [agent, message] }) => serve(agent, message)));
    const sockets = await Promise.all(clients);
    const heard = sockets.map(next);
    sockets.forEach((socket, at) => socket.send(`client-${at}`));
    expect(await Promise.all(heard)).toEqual(marks.map(({ mark }, at) => `${mark} heard client-${at}`));
    for (const socket of [...sockets, ...ends]) socket.terminate();
  });
});
