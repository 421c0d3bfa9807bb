import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text, wide } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import { accessModesCell, storageClassOf } from "../persistentvolumes/storage.ts";
import { alignDataSources, defaultClaim } from "./defaults.ts";
import type { PersistentVolumeClaim } from "./types.ts";
import { validateClaim, validateClaimUpdate } from "./validation.ts";

export const persistentVolumeClaimKind = defineKind<PersistentVolumeClaim>({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  namespaced: true,
  schema: "io.k8s.api.core.v1.PersistentVolumeClaim",
  answersDeleted: true,
  shortNames: ["pvc"],
  columns: [
    nameColumn,
    text("Status", "Whether it has a volume.", ({ metadata, status }) =>
      metadata.deletionTimestamp ? "Terminating" : (status?.phase ?? ""),
    ),
    text("Volume", "The volume it is bound to.", ({ spec }) => spec.volumeName ?? ""),
    text("Capacity", "How much the volume holds.", ({ spec, status }) =>
      spec.volumeName ? (status?.capacity?.["storage"] ?? "0") : "",
    ),
    text("Access Modes", "How the volume may be mounted.", ({ spec, status }) =>
      spec.volumeName ? accessModesCell(status?.accessModes) : "",
    ),
    text("StorageClass", "The class of storage asked for.", storageClassOf),
    text(
      "VolumeAttributesClass",
      "The class of attributes asked for.",
      ({ spec }) => spec.volumeAttributesClassName ?? "<unset>",
    ),
    ageColumn,
    wide(text("VolumeMode", "A file system or a raw device.", ({ spec }) => spec.volumeMode ?? "<unset>")),
  ],
  subresources: [statusSubresource],
  strategy: {
    countsGenerations: false,
    default: defaultClaim,
    prepareForCreate(claim) {
      claim.status = { phase: "Pending" };
      alignDataSources(claim.spec);
    },
    prepareForUpdate(claim, old, { subresource }) {
      if (subresource !== "status") alignDataSources(claim.spec, old.spec);
    },
    validate: validateClaim,
    validateUpdate: validateClaimUpdate,
  },
});
