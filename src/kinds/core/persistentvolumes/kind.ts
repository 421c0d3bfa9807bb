import { formatTime } from "../../../machinery/meta.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text, wide } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import { defaultVolumeSources } from "../volume-defaults.ts";
import { accessModesCell, storageClassOf } from "./storage.ts";
import type { PersistentVolume } from "./types.ts";
import { validateVolume, validateVolumeUpdate } from "./validation.ts";

export const persistentVolumeKind = defineKind<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  namespaced: false,
  schema: "io.k8s.api.core.v1.PersistentVolume",
  answersDeleted: true,
  shortNames: ["pv"],
  columns: [
    nameColumn,
    text("Capacity", "How much it holds.", ({ spec }) => spec.capacity?.["storage"] ?? "0"),
    text("Access Modes", "How it may be mounted.", ({ spec }) => accessModesCell(spec.accessModes)),
    text(
      "Reclaim Policy",
      "What becomes of it when it is let go.",
      ({ spec }) => spec.persistentVolumeReclaimPolicy ?? "",
    ),
    text("Status", "Whether a claim has it.", ({ metadata, status }) =>
      metadata.deletionTimestamp ? "Terminating" : (status?.phase ?? ""),
    ),
    text("Claim", "The claim that has it.", ({ spec: { claimRef } }) =>
      claimRef ? `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}` : "",
    ),
    text("StorageClass", "The class it is of.", storageClassOf),
    text(
      "VolumeAttributesClass",
      "The class of its attributes.",
      ({ spec }) => spec.volumeAttributesClassName ?? "<unset>",
    ),
    text("Reason", "Why it is so.", ({ status }) => status?.reason ?? ""),
    ageColumn,
    wide(text("VolumeMode", "A file system or a raw device.", ({ spec }) => spec.volumeMode ?? "<unset>")),
  ],
  subresources: [statusSubresource],
  strategy: {
    countsGenerations: false,
    default(volume) {
      volume.status ??= {};
      volume.status.phase ??= "Pending";
      volume.spec.persistentVolumeReclaimPolicy ||= "Retain";
      volume.spec.volumeMode ??= "Filesystem";
      defaultVolumeSources(volume.spec);
    },
    prepareForCreate(volume, { nowMs }) {
      volume.status = { phase: "Pending", lastPhaseTransitionTime: formatTime(nowMs) };
    },
    prepareForUpdate(volume, old, { subresource, nowMs }) {
      if (subresource !== "status" || volume.status?.phase === old.status?.phase) return;
      const { lastPhaseTransitionTime: time } = volume.status ?? {};
      if (time !== undefined && time !== old.status?.lastPhaseTransitionTime) return;
      volume.status = { ...volume.status, lastPhaseTransitionTime: formatTime(nowMs) };
    },
    validate: validateVolume,
    validateUpdate: validateVolumeUpdate,
  },
});
