/** The hub as a stateless worker sees it: the `Hub` port over the Durable Object's RPC. */
import type { Hub, HubStatistics, Presence, WatchQuery } from "../../hub/hub.ts";
import { StorageError, type StorageErrorCode } from "../../storage/errors.ts";
import type { PreparedWrite, WriteOutcome } from "../../storage/storage.ts";
import type { ClusterHub } from "./hub-object.ts";

export function createRemoteHub(stub: () => DurableObjectStub<ClusterHub>): Hub & Presence {
  return {
    // The RPC's types add a disposer to what is plain data.
    write: (write: PreparedWrite) => translated(() => stub().write(write) as Promise<WriteOutcome>),
    watch: (query: WatchQuery) => translated(() => stub().watch(query)),
    ready: () => translated(() => stub().ready()),
    statistics: () => translated(() => stub().statistics() as Promise<HubStatistics>),
    mark: () => translated(() => stub().mark()),
    lastSeen: () => translated(() => stub().lastSeen()),
  };
}

const CODES: readonly string[] = ["compacted", "future", "unavailable", "unreadable"] satisfies StorageErrorCode[];

/** RPC keeps an error's own members but not its class. An object that was evicted or redeployed is "unavailable": clients retry. */
export async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const { code, current, floor, outcomeUnknown, message } = cause as Partial<StorageError> & { message: string };
    if (code !== undefined && CODES.includes(code)) {
      throw new StorageError(code, message, {
        ...(current === undefined ? {} : { current }),
        ...(floor === undefined ? {} : { floor }),
        ...(outcomeUnknown === undefined ? {} : { outcomeUnknown }),
        cause,
      });
    }
    if (isObjectGone(cause))
      throw new StorageError("unavailable", "the hub is restarting", { cause, outcomeUnknown: true });
    throw cause;
  }
}

/** https://developers.cloudflare.com/durable-objects/best-practices/error-handling/ */
function isObjectGone(error: unknown): boolean {
  const { retryable, overloaded, durableObjectReset } = error as {
    retryable?: boolean;
    overloaded?: boolean;
    durableObjectReset?: boolean;
  };
  return retryable === true || overloaded === true || durableObjectReset === true;
}
