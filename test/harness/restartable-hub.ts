/** A hub that can be replaced while clients use it, as deploys and evictions do. */
import type { ClusterHub } from "../../src/hub/cluster-hub.ts";
import type { LogEntry } from "../../src/storage/storage.ts";

export interface RestartableHub extends ClusterHub {
  /**
   * clean: the old hub ends its watches and finishes what is in flight before there is a new one. abrupt: nobody tells its clients; it
   * goes on with what it had begun, beside the new one, until it has nothing left to do.
   */
  restart(how: "clean" | "abrupt"): Promise<void>;
}

export function createRestartableHub(make: () => ClusterHub): RestartableHub {
  const listeners = new Set<(entries: readonly LogEntry[]) => void>();
  const abandoned: ClusterHub[] = [];
  const next = (): ClusterHub => {
    const hub = make();
    hub.onCommit((entries) => {
      for (const listener of listeners) listener(entries);
    });
    return hub;
  };
  let current = next();
  return {
    start: () => current.start(),
    write: (write) => current.write(write),
    watch: (query) => current.watch(query),
    mark: () => current.mark(),
    ready: () => current.ready(),
    poll: () => current.poll(),
    revoke: (revocation) => current.revoke(revocation),
    maintain: (at) => current.maintain(at),
    stats: () => current.stats(),
    statistics: () => current.statistics(),
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      for (const hub of [current, ...abandoned]) await hub.stop();
    },
    async restart(how) {
      const old = current;
      if (how === "clean") await old.stop();
      else abandoned.push(old);
      current = next();
      await current.start();
    },
  };
}
