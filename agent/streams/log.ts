/** Sends a container's log as the body of a POST, for as long as the client reads it. */
import type { Fetch } from "../../src/client/client.ts";

/** What `kubectl logs` asks for: PodLogOptions of k8s.io/api/core/v1. */
export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  sinceSeconds?: number;
  /** RFC 3339 */
  sinceTime?: string;
  tailLines?: number;
  limitBytes?: number;
}

export function logOptions(query: URLSearchParams): LogOptions {
  const flag = (name: string) => ["true", "1"].includes(query.get(name) ?? "");
  const count = (name: string) => {
    const text = query.get(name);
    return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const [sinceSeconds, tailLines, limitBytes] = [count("sinceSeconds"), count("tailLines"), count("limitBytes")];
  const sinceTime = query.get("sinceTime");
  return {
    follow: flag("follow"),
    previous: flag("previous"),
    timestamps: flag("timestamps"),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === null ? {} : { sinceTime }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

/** Resolves when the client has it all or has gone. `log` is cancelled then. */
export async function sendLog(options: {
  url: string;
  credential: string;
  log: ReadableStream<Uint8Array>;
  fetch: Fetch;
  signal: AbortSignal;
}): Promise<void> {
  const { url, credential, log, fetch, signal } = options;
  const answered = new AbortController();
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    headers: { authorization: `Bearer ${credential}`, "content-type": "application/octet-stream" },
    body: log,
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
