/** Where a client's stream and the agent that serves it meet, in this process. */
import type { WebSocket } from "ws";
import { StatusError } from "../../machinery/status-error.ts";
import type { AgentSockets } from "../../relay/agent-sockets.ts";
import type { NodeStreams } from "../../relay/node-streams.ts";
import { assertUpgrade, refusal } from "../../relay/refusal.ts";
import type { Tunnels } from "../../relay/tunnels.ts";
import type { Random, Timers } from "../platform.ts";
import { splice } from "./splice.ts";
import type { Upgrades } from "./upgrade.ts";

export interface NodeStreamBroker extends NodeStreams, Pick<AgentSockets, "stream"> {
  /** The agent cannot serve a stream (Tunnels' `refused`). */
  refused(answer: { id: string; nodeName: string; code: number; message: string }): void;
}

/** How long a client waits for the agent to dial. */
const DIAL_MS_MAX = 15_000;

interface Pending {
  ticket: string;
  nodeName: string;
  kind: "socket" | "body";
  /** The agent's end has arrived; false when nobody waits for it any more. */
  met(end: AgentEnd): boolean;
  fail(error: StatusError): void;
}

type AgentEnd =
  | { socket: WebSocket }
  | { body: ReadableStream<Uint8Array>; done: (outcome: "ended" | "cancelled") => void };

export function createNodeStreamBroker(deps: {
  tunnels: Pick<Tunnels, "openStream">;
  upgrades: Pick<Upgrades, "accept">;
  timers: Timers;
  random: Random;
}): NodeStreamBroker {
  const { tunnels, upgrades, timers, random } = deps;
  const pending = new Map<string, Pending>();

  /** Resolves with the agent's end. @throws StatusError */
  function meet(request: Parameters<NodeStreams["open"]>[0], kind: Pending["kind"]): Promise<AgentEnd> {
    const { node: nodeName, target, client } = request;
    const id = random.uuid();
    const ticket = Buffer.from(random.bytes(32)).toString("base64url");
    return new Promise<AgentEnd>((resolve, reject) => {
      let settled = false;
      const fail = (error: StatusError) => {
        settle();
        reject(error);
      };
      const abort = () => fail(new StatusError("ServiceUnavailable", "the client has gone"));
      const stopTimer = timers.after(DIAL_MS_MAX, () =>
        fail(new StatusError("ServiceUnavailable", `node "${nodeName}" did not answer in time`)),
      );
      const settle = () => {
        settled = true;
        pending.delete(id);
        stopTimer();
        client.signal.removeEventListener("abort", abort);
      };
      const met = (end: AgentEnd) => {
        if (settled) return false;
        settle();
        resolve(end);
        return true;
      };
      pending.set(id, { ticket, nodeName, kind, met, fail });
      client.signal.addEventListener("abort", abort);
      if (client.signal.aborted) abort();
      else if (!tunnels.openStream(nodeName, { type: "open", id, ticket, target }))
        fail(new StatusError("ServiceUnavailable", `node "${nodeName}" is not connected`));
    });
  }

  return {
    async open(request) {
      if (request.target.kind === "log") {
        const end = await meet(request, "body");
        if (!("body" in end)) throw new Error("a log stream is a body");
        return new Response(relayed(end.body, end.done), {
          headers: { "content-type": "text/plain", "cache-control": "no-transform" },
        });
      }
      assertUpgrade(request.client);
      const end = await meet(request, "socket");
      if (!("socket" in end)) throw new Error("exec and attach are sockets");
      const { socket: agent } = end;
      return upgrades.accept({
        subprotocol: request.target.subprotocol,
        connected(client) {
          splice(agent, client);
          agent.resume();
        },
        failed: () => agent.close(1001, "the client has gone"),
      });
    },

    async stream(request, { id, ticket, nodeName }) {
      const waiting = pending.get(id);
      if (!waiting) throw new StatusError("NotFound", "nobody waits for this stream");
      if (waiting.ticket !== ticket || waiting.nodeName !== nodeName)
        throw new StatusError("Forbidden", "the ticket is for another stream");
      const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
      if (isUpgrade !== (waiting.kind === "socket"))
        throw new StatusError("BadRequest", `this stream is a ${waiting.kind === "socket" ? "WebSocket" : "body"}`);
      // The ticket is good for one dial.
      pending.delete(id);
      if (isUpgrade)
        return upgrades.accept({
          subprotocol: undefined,
          connected(socket) {
            // Until the client is connected too, nothing may be read.
            socket.pause();
            if (!waiting.met({ socket })) socket.close(1001, "the client has gone");
          },
          failed: () => waiting.fail(new StatusError("ServiceUnavailable", `node "${nodeName}" hung up`)),
        });
      const { body } = request;
      if (body === null) throw new StatusError("BadRequest", "a body is needed");
      return new Promise((resolve) => {
        const done = (outcome: "ended" | "cancelled") =>
          resolve(new Response(null, { status: outcome === "ended" ? 204 : 410 }));
        if (!waiting.met({ body, done })) done("cancelled");
      });
    },

    refused({ id, nodeName, code, message }) {
      const waiting = pending.get(id);
      if (waiting?.nodeName === nodeName) waiting.fail(refusal(code, message));
    },
  };
}

/** The agent's body as the client's, pulled only as fast as the client reads. */
function relayed(body: ReadableStream<Uint8Array>, done: (outcome: "ended" | "cancelled") => void) {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done: ended, value } = await reader.read();
          if (!ended) return controller.enqueue(value);
          controller.close();
          done("ended");
        } catch (error) {
          controller.error(error);
          done("cancelled");
        }
      },
      async cancel(reason) {
        done("cancelled");
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
