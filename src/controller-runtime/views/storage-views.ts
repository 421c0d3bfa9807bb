/** What controllers keep of volumes and of claims to them. */
import type { PersistentVolumeClaim } from "../../kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolume } from "../../kinds/core/persistentvolumes/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { ownershipOnly, type View } from "./view.ts";

export interface ClaimView extends View {
  /** VolumeAttributesClasses that it asks for, has, or is on its way to. */
  attributesClasses: readonly string[];
}

export interface VolumeView extends View {
  phase: string;
  attributesClasses: readonly string[];
}

export function claimView(object: KubeObject): ClaimView {
  const { spec, status } = object as PersistentVolumeClaim;
  const { currentVolumeAttributesClassName: current, modifyVolumeStatus } = status ?? {};
  const named = [spec.volumeAttributesClassName, current, modifyVolumeStatus?.targetVolumeAttributesClassName];
  return { ...ownershipOnly(object), attributesClasses: distinct(named) };
}

export function volumeView(object: KubeObject): VolumeView {
  const { spec, status } = object as PersistentVolume;
  return {
    ...ownershipOnly(object),
    phase: status?.phase ?? "",
    attributesClasses: distinct([spec.volumeAttributesClassName]),
  };
}

const NONE: readonly never[] = [];

function distinct(names: readonly (string | undefined)[]): readonly string[] {
  const some = names.filter((name) => name !== undefined && name !== "") as string[];
  return some.length === 0 ? NONE : [...new Set(some)];
}
