/** The streams to nodes that are open in this process, by who opened them. */
import { createRevocations, isRevoked, type Opener, type Revocation } from "../../machinery/opener.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { Clock } from "../platform.ts";

export interface OpenStreams {
  /** Call `over` when it is. @throws StatusError "Unauthorized" for who has just been revoked */
  begin(stream: { opener: Opener | undefined; nodeName: string }): OpenStream;
  revoke(revocation: Revocation): void;
  endAll(): void;
}

export interface OpenStream {
  /** How it is ended from now on; at once where that was asked already. */
  endsBy(end: () => void): void;
  over(): void;
}

export function createOpenStreams({ clock }: { clock: Clock }): OpenStreams {
  const revocations = createRevocations({ now: () => clock.now() });
  const open = new Set<TrackedStream>();
  return {
    begin({ opener, nodeName }) {
      if (opener && revocations.has(opener)) throw new StatusError("Unauthorized", "Unauthorized");
      const stream = new TrackedStream({ user: "", ...opener, node: nodeName }, () => open.delete(stream));
      open.add(stream);
      return stream;
    },
    revoke(revocation) {
      revocations.add(revocation);
      for (const stream of open) if (isRevoked(stream.opener, revocation)) stream.end();
    },
    endAll() {
      for (const stream of open) stream.end();
    },
  };
}

class TrackedStream implements OpenStream {
  readonly opener: Opener & { node: string };
  readonly over: () => void;
  #end: (() => void) | undefined;
  #ended = false;

  constructor(opener: Opener & { node: string }, over: () => void) {
    this.opener = opener;
    this.over = over;
  }

  endsBy(end: () => void): void {
    this.#end = end;
    if (this.#ended) end();
  }

  end(): void {
    this.#ended = true;
    this.over();
    this.#end?.();
  }
}
