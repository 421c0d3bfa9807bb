/** Writes a process' output as a log of the CRI: `<RFC 3339 time> <stdout|stderr> <F|P> <line>`. */
import { open, type FileHandle } from "node:fs/promises";
import type { Clock } from "../../../src/platform/platform.ts";

/** Longer lines are cut into parts, all but the last tagged P. As containerd has it. */
const LINE_BYTES_MAX = 16 * 1024;
const NEWLINE = 10;

export interface CriLog {
  /** One writer per stream; calls are not to overlap within one. */
  stream(name: "stdout" | "stderr"): LogStream;
  /** Goes on in a new file at the same path. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export interface LogStream {
  write(bytes: Buffer): Promise<void>;
  /** The rest that ended in no newline. */
  end(): Promise<void>;
}

export async function openCriLog(path: string, clock: Clock): Promise<CriLog> {
  let file: FileHandle = await open(path, "a", 0o640);

  /** `line` is without its newline. */
  function format(name: string, line: Buffer, whole: boolean): Buffer {
    const head = `${new Date(clock.now()).toISOString()} ${name} ${whole ? "F" : "P"} `;
    return Buffer.concat([Buffer.from(head), line, Buffer.from("\n")]);
  }

  function stream(name: "stdout" | "stderr"): LogStream {
    let rest: Buffer = Buffer.alloc(0);
    return {
      async write(bytes) {
        rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        const lines: Buffer[] = [];
        for (;;) {
          const end = rest.subarray(0, LINE_BYTES_MAX + 1).indexOf(NEWLINE);
          if (end < 0 && rest.length <= LINE_BYTES_MAX) break;
          const length = end < 0 ? LINE_BYTES_MAX : end;
          lines.push(format(name, rest.subarray(0, length), end >= 0));
          rest = rest.subarray(end < 0 ? length : length + 1);
        }
        // What is kept is copied: a few bytes must not hold a whole chunk.
        rest = Buffer.from(rest);
        if (lines.length > 0) await file.appendFile(Buffer.concat(lines));
      },
      async end() {
        if (rest.length > 0) await file.appendFile(format(name, rest, false));
        rest = Buffer.alloc(0);
      },
    };
  }

  return {
    stream,
    async reopen() {
      const before = file;
      file = await open(path, "a", 0o640);
      await before.close();
    },
    close: () => file.close(),
  };
}
