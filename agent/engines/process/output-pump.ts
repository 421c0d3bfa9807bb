/**
 * Carries one output of a container from its pipe to the log, and to whoever is attached. The pipe is a FIFO on disk that the
 * process itself holds open: it neither breaks nor loses anything while no agent reads it, and another agent can go on reading.
 */
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import type { LogStream } from "./cri-log.ts";

export interface OutputPump {
  /** Resolves when every process that could write has gone and all is in the log, or after stop(). */
  ended: Promise<void>;
  /** What comes from now on. A reader that does not keep up stops the process, as with a pipe. */
  attach(): ReadableStream<Uint8Array>;
  stop(): void;
}

interface Reader {
  controller: ReadableStreamDefaultController<Uint8Array>;
  /** Resolves with the next read, or when the reader has gone. */
  pulled: PromiseWithResolvers<void>;
}

/** Opening does not wait for a writer. */
export function startOutputPump(fifo: string, log: LogStream): OutputPump {
  const { O_RDONLY, O_NONBLOCK } = constants;
  const socket = new Socket({ fd: openSync(fifo, O_RDONLY | O_NONBLOCK), readable: true, writable: false });
  const readers = new Set<Reader>();
  const done = Promise.withResolvers<void>();
  /** The end may come while the last chunk is on its way to the log. */
  let taking: Promise<void> = Promise.resolve();

  async function take(chunk: Buffer): Promise<void> {
    await log.write(chunk);
    for (const reader of readers) {
      reader.controller.enqueue(new Uint8Array(chunk));
      while (readers.has(reader) && (reader.controller.desiredSize ?? 0) <= 0) await reader.pulled.promise;
    }
  }

  async function finish(): Promise<void> {
    await taking.catch(() => undefined);
    await log.end().catch(() => undefined);
    for (const { controller, pulled } of readers) {
      controller.close();
      pulled.resolve();
    }
    readers.clear();
    done.resolve();
  }

  function attach(): ReadableStream<Uint8Array> {
    let reader: Reader | undefined;
    return new ReadableStream<Uint8Array>({
      start(controller) {
        reader = { controller, pulled: Promise.withResolvers() };
        readers.add(reader);
      },
      pull() {
        if (reader === undefined) return;
        reader.pulled.resolve();
        reader.pulled = Promise.withResolvers();
      },
      cancel() {
        if (reader === undefined) return;
        readers.delete(reader);
        reader.pulled.resolve();
      },
    });
  }

  socket.on("data", (chunk: Buffer) => {
    socket.pause();
    taking = take(chunk);
    taking.then(
      () => socket.resume(),
      () => socket.destroy(),
    );
  });
  socket.on("error", () => undefined);
  socket.once("close", () => void finish());
  return { ended: done.promise, stop: () => socket.destroy(), attach };
}
