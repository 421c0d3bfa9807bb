/** Sends a stream as the body of a POST, for as long as the client reads it. */
import type { Fetch } from "../../src/client/client.ts";

/** Resolves when the client has it all or has gone. `body` is cancelled then. */
export async function sendBody(options: {
  url: string;
  credential: string;
  body: ReadableStream<Uint8Array>;
  fetch: Fetch;
  signal: AbortSignal;
}): Promise<void> {
  const { url, credential, body, fetch, signal } = options;
  const answered = new AbortController();
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    headers: { authorization: `Bearer ${credential}`, "content-type": "application/octet-stream" },
    body,
    duplex: "half",
    signal: AbortSignal.any([signal, answered.signal]),
  };
  try {
    const response = await fetch(new Request(url, init));
    await response.body?.cancel();
  } finally {
    // An answer before the end means that nobody reads any more.
    answered.abort();
  }
}
