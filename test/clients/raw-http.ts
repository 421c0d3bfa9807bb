/** Requests over one HTTP/1.1 socket or one HTTP/2 session, with nothing in between that would retry, pool or decompress. */
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import type { ServedCluster } from "../harness/served-cluster.ts";

export interface RawRequest {
  method?: string;
  headers?: Record<string, string>;
  /** Several parts are sent one by one, without a length. */
  body?: string | readonly string[];
}

export interface RawResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** What has come so far, and then the rest. */
  text: () => string;
  ended: Promise<void>;
  /** Drops the connection (HTTP/1.1) or the stream (HTTP/2). */
  abort: () => void;
}

export interface RawClient {
  protocol: "HTTP/1.1" | "HTTP/2";
  /** Resolves with the response's head. */
  send(path: string, request?: RawRequest): Promise<RawResponse>;
  /** How many connections it has opened. */
  connections(): number;
  close(): void;
}

export function openHttp1({ url, ca, token }: ServedCluster): RawClient {
  const agent = new Agent({ keepAlive: true, ca, ALPNProtocols: ["http/1.1"] });
  const sockets = new Set<unknown>();
  return {
    protocol: "HTTP/1.1",
    send: (path, { method = "GET", headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const request = httpsRequest(`${url}${path}`, {
          method,
          agent,
          headers: { authorization: `Bearer ${token}`, ...headers },
        });
        request.on("socket", (socket) => sockets.add(socket));
        request.on("error", reject);
        request.on("response", (response) => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            ...collect(response),
            abort: () => request.destroy(),
          });
        });
        if (typeof body === "object") for (const part of body) request.write(part);
        request.end(typeof body === "string" ? body : undefined);
      }),
    connections: () => sockets.size,
    close: () => agent.destroy(),
  };
}

export async function openHttp2({ url, ca, token }: ServedCluster): Promise<RawClient> {
  const session: ClientHttp2Session = connectHttp2(url, { ca });
  await new Promise<void>((resolve, reject) => {
    session.once("connect", () => resolve());
    session.once("error", reject);
  });
  return {
    protocol: "HTTP/2",
    send: (path, { method = "GET", headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const stream: ClientHttp2Stream = session.request({
          ":method": method,
          ":path": path,
          authorization: `Bearer ${token}`,
          ...headers,
        });
        stream.on("error", reject);
        stream.on("response", (head) => {
          const { ":status": status = 0, ...others } = head;
          resolve({
            status,
            headers: others,
            ...collect(stream),
            abort: () => stream.close(8),
          });
        });
        if (typeof body === "object") for (const part of body) stream.write(part);
        stream.end(typeof body === "string" ? body : undefined);
      }),
    connections: () => 1,
    close: () => session.destroy(),
  };
}

function collect(stream: NodeJS.ReadableStream): Pick<RawResponse, "text" | "ended"> {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<void>((resolve) => {
    stream.on("end", resolve);
    stream.on("close", resolve);
    stream.on("error", () => resolve());
  });
  return { text: () => text, ended };
}
