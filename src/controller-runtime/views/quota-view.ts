/** What controllers keep of a quota: what it limits, and whether that has been counted. */
import type { ResourceQuota } from "../../kinds/core/resourcequotas/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { metaView, type View } from "./view.ts";

export interface QuotaView extends View {
  /** Names of resources. */
  limited: readonly string[];
  /** Its status says of all that it limits how much there is, and how much may be. */
  counted: boolean;
}

export function quotaView(object: KubeObject): QuotaView {
  const { metadata, spec, status } = object as ResourceQuota;
  const hard = Object.entries(spec.hard ?? {});
  const { hard: held = {}, used = {} } = status ?? {};
  return {
    metadata: metaView(metadata),
    limited: hard.map(([name]) => name),
    counted:
      hard.length === Object.keys(held).length &&
      hard.every(([name, amount]) => held[name] === amount && used[name] !== undefined),
  };
}
