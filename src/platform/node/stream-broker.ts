/** Where a client's stream and the agent that serves it meet, in this process. */
import type { WebSocket } from "ws";
import { sameSecret } from "../../machinery/constant-time.ts";
import type { Revocation } from "../../machinery/opener.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { AgentEndAt, AgentSockets } from "../../relay/agent-sockets.ts";
import type { NodeStreams } from "../../relay/node-streams.ts";
import { assertUpgrade, refusal } from "../../relay/refusal.ts";
import type { Tunnels } from "../../relay/tunnels.ts";
import type { Clock, Random, Timers } from "../platform.ts";
import { createOpenStreams, type OpenStream } from "./open-streams.ts";
import { answered } from "./proxied-answer.ts";
import { splice } from "./splice.ts";
import type { Upgrades } from "./upgrade.ts";

export interface NodeStreamBroker extends NodeStreams, Pick<AgentSockets, "stream"> {
  /** The agent cannot serve a stream (Tunnels' `refused`). */
  refused(answer: { id: string; nodeName: string; code: number; message: string }): void;
  /** Ends what these have opened, and what these nodes serve. */
  revoke(revocation: Revocation): void;
  /** Ends all streams. */
  close(): void;
}

/** How long a client waits for the agent to dial. */
const DIAL_MS_MAX = 15_000;

/** RFC 6455: a policy forbids to go on. */
const CLOSE_REVOKED = 1008;

type OpenRequest = Parameters<NodeStreams["open"]>[0] & { stream: OpenStream };

interface Pending {
  ticket: string;
  nodeName: string;
  /** "either": a WebSocket that is proxied is one only if the pod says so. */
  kind: "socket" | "body" | "either";
  /** The agent's end has arrived; false when nobody waits for it any more. */
  met(end: AgentEnd): boolean;
  fail(error: StatusError): void;
}

type AgentEnd =
  | { socket: WebSocket; subprotocol: string | undefined }
  | { body: ReadableStream<Uint8Array>; done: (outcome: "ended" | "cancelled") => void };

export function createNodeStreamBroker(deps: {
  tunnels: Pick<Tunnels, "openStream">;
  upgrades: Pick<Upgrades, "accept">;
  clock: Clock;
  timers: Timers;
  random: Random;
}): NodeStreamBroker {
  const { tunnels, upgrades, clock, timers, random } = deps;
  const streams = createOpenStreams({ clock });
  const pending = new Map<string, Pending>();
  /** Bodies of requests that are proxied, until they are fetched or the request is over. */
  const requestBodies = new Map<string, Pick<Pending, "ticket" | "nodeName"> & { body: ReadableStream<Uint8Array> }>();

  /** Resolves with the agent's end. @throws StatusError */
  function meet(request: OpenRequest, kind: Pending["kind"], id: string = random.uuid()): Promise<AgentEnd> {
    const { node: nodeName, target, client, stream } = request;
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
      stream.endsBy(() => fail(new StatusError("Unauthorized", "Unauthorized")));
      pending.set(id, { ticket, nodeName, kind, met, fail });
      if (target.proxy?.hasBody && client.body !== null) requestBodies.set(id, { ticket, nodeName, body: client.body });
      client.signal.addEventListener("abort", abort);
      if (client.signal.aborted) abort();
      else if (!tunnels.openStream(nodeName, { type: "open", id, ticket, target }))
        fail(new StatusError("ServiceUnavailable", `node "${nodeName}" is not connected`));
    });
  }

  async function proxied(request: OpenRequest): Promise<Response> {
    const { client, target, stream } = request;
    const id = random.uuid();
    const end = await meet(request, target.proxy?.upgrade ? "either" : "body", id).catch((error: unknown) => {
      requestBodies.delete(id);
      throw error;
    });
    if ("socket" in end) return spliced(end, { subprotocol: end.subprotocol, stream });
    const over = (outcome: "ended" | "cancelled") => {
      requestBodies.delete(id);
      stream.over();
      end.done(outcome);
    };
    return await answered(relayed(end.body, { done: over, stream }), client);
  }

  function spliced(
    { socket: agent }: { socket: WebSocket },
    { subprotocol, stream }: { subprotocol: string | undefined; stream: OpenStream },
  ): Response {
    return upgrades.accept({
      subprotocol,
      connected(client) {
        splice(agent, client);
        agent.resume();
        client.once("close", () => stream.over());
        stream.endsBy(() => {
          client.close(CLOSE_REVOKED, "Unauthorized");
          agent.close(1001, "the client has gone");
        });
      },
      failed() {
        stream.over();
        agent.close(1001, "the client has gone");
      },
    });
  }

  async function logged(request: OpenRequest): Promise<Response> {
    const { stream } = request;
    const end = await meet(request, "body");
    if (!("body" in end)) throw new Error("a log stream is a body");
    const done: typeof end.done = (outcome) => {
      stream.over();
      end.done(outcome);
    };
    return new Response(relayed(end.body, { done, stream }), {
      headers: { "content-type": "text/plain", "cache-control": "no-transform" },
    });
  }

  async function answerOf(request: OpenRequest): Promise<Response> {
    const { target, client, stream } = request;
    if (target.kind === "proxy") return await proxied(request);
    if (target.kind === "log") return await logged(request);
    assertUpgrade(client);
    const end = await meet(request, "socket");
    if (!("socket" in end)) throw new Error("exec and attach are sockets");
    return spliced(end, { subprotocol: target.subprotocol, stream });
  }

  return {
    async open(request) {
      const stream = streams.begin({ opener: request.opener, nodeName: request.node });
      try {
        return await answerOf({ ...request, stream });
      } catch (error) {
        stream.over();
        throw error;
      }
    },

    revoke: (revocation) => streams.revoke(revocation),
    close: () => streams.endAll(),

    async stream(request, at) {
      const { id, nodeName, subprotocol } = at;
      const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
      if (request.method === "GET" && !isUpgrade) {
        const { body } = checked(requestBodies.get(id), at);
        requestBodies.delete(id);
        return new Response(body);
      }
      const waiting = checked(pending.get(id), at);
      if (waiting.kind !== "either" && isUpgrade !== (waiting.kind === "socket"))
        throw new StatusError("BadRequest", `this stream is a ${waiting.kind === "socket" ? "WebSocket" : "body"}`);
      // The ticket is good for one dial.
      pending.delete(id);
      if (isUpgrade)
        return upgrades.accept({
          subprotocol: undefined,
          connected(socket) {
            // Until the client is connected too, nothing may be read.
            socket.pause();
            if (!waiting.met({ socket, subprotocol })) socket.close(1001, "the client has gone");
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

/** Whose ticket it is. @throws StatusError "NotFound" | "Forbidden" */
function checked<T extends Pick<Pending, "ticket" | "nodeName">>(waiting: T | undefined, at: AgentEndAt): T {
  if (!waiting) throw new StatusError("NotFound", "nobody waits for this stream");
  if (!sameSecret(waiting.ticket, at.ticket) || waiting.nodeName !== at.nodeName)
    throw new StatusError("Forbidden", "the ticket is for another stream");
  return waiting;
}

/** The agent's body as the client's, pulled only as fast as the client reads. */
function relayed(
  body: ReadableStream<Uint8Array>,
  { done, stream }: { done: (outcome: "ended" | "cancelled") => void; stream: OpenStream },
) {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stream.endsBy(() => {
          controller.close();
          done("cancelled");
          void reader.cancel().catch(() => {});
        });
      },
      async pull(controller) {
        try {
          const { done: ended, value } = await reader.read();
          if (!ended) return controller.enqueue(value);
          controller.close();
          done("ended");
        } catch (error) {
          // The client's answer must not look whole. @hono/node-server cuts it off, and prints this error ("aborted") as it does so.
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
