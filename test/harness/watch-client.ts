/** Reads a watch stream line by line, as a client does. */

export interface SeenEvent {
  type: string;
  name: string;
  revision: number;
  object: { kind?: string; metadata: Record<string, unknown>; spec?: { content?: unknown } };
}

export interface WatchClient {
  /** The next event; undefined at the end of the stream. */
  next(): Promise<SeenEvent | undefined>;
  /** So many events, or fewer when the stream ends before. */
  take(count: number): Promise<SeenEvent[]>;
  /** Everything until the stream ends. */
  rest(): Promise<SeenEvent[]>;
  cancel(): Promise<void>;
}

/** @throws when the stream ends inside a line, unless the reader itself gave it up */
export function readWatch(stream: ReadableStream<Uint8Array>): WatchClient {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const lines: string[] = [];
  let partial = "";
  let cancelled = false;

  async function next(): Promise<SeenEvent | undefined> {
    while (lines.length === 0) {
      const { done, value } = await reader.read();
      if (done) {
        if (partial !== "" && !cancelled) throw new Error(`the stream ended inside a line: ${partial.slice(0, 200)}`);
        return undefined;
      }
      const parts = (partial + decoder.decode(value, { stream: true })).split("\n");
      partial = parts.pop() ?? "";
      lines.push(...parts);
    }
    const { type, object } = JSON.parse(lines.shift() ?? "") as Pick<SeenEvent, "type" | "object">;
    const { name = "", resourceVersion } = object.metadata as { name?: string; resourceVersion: string };
    return { type, name, revision: Number(resourceVersion), object };
  }

  async function take(count: number): Promise<SeenEvent[]> {
    const events: SeenEvent[] = [];
    while (events.length < count) {
      const event = await next();
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }

  return { next, take, rest: () => take(Number.POSITIVE_INFINITY), cancel };

  /** Of a line that is under way the rest is lost with the connection. */
  async function cancel(): Promise<void> {
    cancelled = true;
    await reader.cancel();
  }
}
