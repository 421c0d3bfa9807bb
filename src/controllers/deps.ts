/** What every controller is made of. */
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../controller-runtime/events.ts";
import type { Stores } from "../controller-runtime/stores.ts";
import type { Platform } from "../platform/platform.ts";

export interface ControllerDeps<S extends keyof Stores> {
  /** With the controller's own service account. */
  client: Client;
  stores: Pick<Stores, S>;
  recorder: EventRecorder;
  platform: Platform;
}
