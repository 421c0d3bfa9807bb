/** What controllers and the scheduler keep of volumes, claims, storage classes and what CSI drivers say of nodes. */
import type { AccessMode, PersistentVolumeClaim } from "../../kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolume } from "../../kinds/core/persistentvolumes/types.ts";
import type { NodeSelector } from "../../kinds/core/pods/types.ts";
import type {
  CsiDriver,
  CsiNode,
  CsiStorageCapacity,
  StorageClass,
  VolumeAttachment,
} from "../../kinds/storage/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";
import { resourceAmounts } from "./amounts.ts";
import { metaView, type View } from "./view.ts";

/** The old way to name a class, which still counts where it is set. */
export const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";
export const SELECTED_NODE_ANNOTATION = "volume.kubernetes.io/selected-node";
/** On a volume whose claimRef the scheduler or a controller has set, and not a person. */
export const BOUND_BY_CONTROLLER_ANNOTATION = "pv.kubernetes.io/bound-by-controller";
export const BIND_COMPLETED_ANNOTATION = "pv.kubernetes.io/bind-completed";

export interface VolumeView extends View {
  /** Bytes. */
  capacity: number;
  accessModes: readonly AccessMode[];
  storageClassName: string;
  volumeMode: string;
  phase: string;
  /** The claim that it is bound to, or kept for; the uid is "" where only a name is said. */
  claim?: { key: string; uid: string };
  nodeAffinity?: NodeSelector;
  /** Of a CSI driver. */
  csi?: { driver: string; handle: string };
  /** VolumeAttributesClasses that it names. */
  attributesClasses: readonly string[];
}

export interface ClaimView extends View {
  /** "" while it is not bound. */
  volumeName: string;
  /** Undefined: none is named, which is the default class or none. */
  storageClassName: string | undefined;
  accessModes: readonly AccessMode[];
  volumeMode: string;
  /** Bytes. */
  request: number;
  selector?: LabelSelector;
  phase: string;
  bound: boolean;
  selectedNode: string;
  /** VolumeAttributesClasses that it asks for, has, or is on its way to. */
  attributesClasses: readonly string[];
  /** The one that it asks for; "" for none. */
  attributesClass: string;
}

export interface StorageClassView extends View {
  provisioner: string;
  waits: boolean;
  allowedTopologies: NonNullable<StorageClass["allowedTopologies"]>;
}

export interface CsiNodeView extends View {
  /** Volumes that may be attached, by driver; a driver without a limit is not in it. */
  limits: Readonly<Record<string, number>>;
}

/** A volume that is attached to a node, or on its way. */
export interface AttachmentView extends View {
  node: string;
  /** The driver. */
  attacher: string;
  /** "" where the volume has no object. */
  volumeName: string;
}

export interface CsiDriverView extends View {
  storageCapacity: boolean;
}

export interface CsiCapacityView extends View {
  storageClassName: string;
  nodeTopology?: LabelSelector;
  /** Bytes of the largest volume that can be made there. */
  largest: number;
}

export function volumeView(object: KubeObject): VolumeView {
  const { metadata, spec, status } = object as PersistentVolume;
  const view: VolumeView = {
    metadata: metaView(metadata),
    capacity: resourceAmounts(spec.capacity)["storage"] ?? 0,
    accessModes: spec.accessModes ?? [],
    storageClassName: metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? "",
    volumeMode: spec.volumeMode ?? "Filesystem",
    phase: status?.phase ?? "",
    attributesClasses: distinct([spec.volumeAttributesClassName]),
  };
  const { claimRef } = spec;
  if (claimRef) view.claim = { key: `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}`, uid: claimRef.uid ?? "" };
  if (spec.nodeAffinity?.required) view.nodeAffinity = spec.nodeAffinity.required;
  if (spec.csi) view.csi = { driver: spec.csi.driver, handle: spec.csi.volumeHandle };
  return view;
}

export function claimView(object: KubeObject): ClaimView {
  const { metadata, spec, status } = object as PersistentVolumeClaim;
  const { annotations = {} } = metadata;
  const volumeName = spec.volumeName ?? "";
  const { currentVolumeAttributesClassName: current, modifyVolumeStatus } = status ?? {};
  const named = [spec.volumeAttributesClassName, current, modifyVolumeStatus?.targetVolumeAttributesClassName];
  const view: ClaimView = {
    metadata: metaView(metadata),
    volumeName,
    storageClassName: annotations[CLASS_ANNOTATION] ?? spec.storageClassName,
    accessModes: spec.accessModes ?? [],
    volumeMode: spec.volumeMode ?? "Filesystem",
    request: resourceAmounts(spec.resources?.requests)["storage"] ?? 0,
    phase: status?.phase ?? "Pending",
    bound: volumeName !== "" && annotations[BIND_COMPLETED_ANNOTATION] !== undefined,
    selectedNode: annotations[SELECTED_NODE_ANNOTATION] ?? "",
    attributesClasses: distinct(named),
    attributesClass: spec.volumeAttributesClassName ?? "",
  };
  if (spec.selector) view.selector = spec.selector;
  return view;
}

export function storageClassView(object: KubeObject): StorageClassView {
  const { metadata, provisioner, volumeBindingMode, allowedTopologies } = object as StorageClass;
  return {
    metadata: metaView(metadata),
    provisioner,
    waits: volumeBindingMode === "WaitForFirstConsumer",
    allowedTopologies: allowedTopologies ?? [],
  };
}

export function csiNodeView(object: KubeObject): CsiNodeView {
  const { metadata, spec } = object as CsiNode;
  const limited = (spec.drivers ?? []).filter(({ allocatable }) => allocatable?.count !== undefined);
  return {
    metadata: metaView(metadata),
    limits: Object.fromEntries(limited.map(({ name, allocatable }) => [name, allocatable?.count ?? 0])),
  };
}

export function attachmentView(object: KubeObject): AttachmentView {
  const { metadata, spec } = object as VolumeAttachment;
  const { nodeName, attacher, source } = spec;
  return { metadata: metaView(metadata), node: nodeName, attacher, volumeName: source.persistentVolumeName ?? "" };
}

export function csiDriverView(object: KubeObject): CsiDriverView {
  const { metadata, spec } = object as CsiDriver;
  return { metadata: metaView(metadata), storageCapacity: spec.storageCapacity === true };
}

export function csiCapacityView(object: KubeObject): CsiCapacityView {
  const { metadata, storageClassName, nodeTopology, capacity, maximumVolumeSize } = object as CsiStorageCapacity;
  const said = maximumVolumeSize ?? capacity;
  return {
    metadata: metaView(metadata),
    storageClassName,
    ...(nodeTopology ? { nodeTopology } : {}),
    largest: said === undefined ? 0 : (resourceAmounts({ storage: said })["storage"] ?? 0),
  };
}

const NONE: readonly never[] = [];

function distinct(names: readonly (string | undefined)[]): readonly string[] {
  const some = names.filter((name) => name !== undefined && name !== "") as string[];
  return some.length === 0 ? NONE : [...new Set(some)];
}
