/** Asks an engine's streaming server for SPDY/3.1: what follows on the connection is the protocol asked for. */
import { request, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { EngineError } from "../engines/engine.ts";

const UPGRADE_MS_MAX = 30_000;
const ERROR_BYTES_MAX = 64 * 1024;

/**
 * `address`: as the engine answers to Exec, Attach and PortForward. `head` is what came together with the answer.
 * @throws EngineError
 */
export function upgradeToSpdy(address: string, protocol: string): Promise<{ socket: Duplex; head: Buffer }> {
  const url = new URL(address);
  if (url.protocol !== "http:") throw new EngineError("refused", `the engine streams over ${url.protocol}, not http:`);
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) =>
      reject(new EngineError("unavailable", `the engine's streaming server ${message}`, { cause }));
    const headers = { Connection: "Upgrade", Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": protocol };
    const asked = request(url, { method: "POST", agent: false, headers });
    asked.setTimeout(UPGRADE_MS_MAX, () => asked.destroy(new Error("no answer")));
    asked.once("error", (error) => fail(`failed: ${error.message}`, error));
    asked.once("response", (response) => {
      void textOf(response).then((text) => fail(`answered ${response.statusCode}: ${text.trim()}`));
    });
    asked.once("upgrade", (response, socket, head) => {
      socket.setTimeout(0);
      if (response.headers["x-stream-protocol-version"] === protocol) return resolve({ socket, head });
      socket.destroy();
      fail(`does not speak ${protocol}`);
    });
    asked.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes > ERROR_BYTES_MAX) break;
    }
  } catch {
    // What there is of it has to do.
  }
  return Buffer.concat(parts).toString("utf8");
}
