/** Event of events.k8s.io (k8s.io/api/events/v1): those of the core group in other words. */
import type { KubeObject } from "../../../machinery/meta.ts";
import type { CoreEvent, ObjectReference } from "../../core/events/types.ts";

export interface Event extends KubeObject {
  eventTime?: string | null;
  series?: { count?: number; lastObservedTime?: string };
  reportingController?: string;
  reportingInstance?: string;
  action?: string;
  reason?: string;
  regarding?: ObjectReference;
  related?: ObjectReference;
  note?: string;
  type?: string;
  deprecatedSource?: CoreEvent["source"];
  deprecatedFirstTimestamp?: string | null;
  deprecatedLastTimestamp?: string | null;
  deprecatedCount?: number;
}
