/** DefaultStorageClass: a claim that names no class gets the default one (plugin/pkg/admission/storage/storageclass/setdefault). */
import type { PersistentVolumeClaim } from "../kinds/core/persistentvolumeclaims/types.ts";
import { isDefault } from "../kinds/storage/storageclasses/default-class.ts";
import type { StorageClass } from "../kinds/storage/types.ts";
import type { Clock } from "../platform/platform.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { newestDefault } from "./default-class.ts";

export interface StorageClassDeps {
  /** All that there are. */
  listStorageClasses: () => Promise<readonly StorageClass[]>;
  clock: Clock;
}

/** The class in the words of older manifests. */
const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";
/** How old the answer may be: the claims of a large StatefulSet ask once. */
const FRESH_MS = 1_000;

export function createDefaultStorageClass({ listStorageClasses, clock }: StorageClassDeps): AdmissionPlugin {
  let known: { name: string | undefined; atMs: number } | undefined;

  return {
    name: "DefaultStorageClass",
    async mutate({ operation, group, resource, subresource, object }) {
      if (group !== "" || resource !== "persistentvolumeclaims" || subresource !== "" || operation !== "CREATE") return;
      const { spec, metadata } = object as PersistentVolumeClaim;
      // "" is a choice: no class.
      if (spec.storageClassName !== undefined || metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return;
      const name = await defaultName();
      if (name !== undefined) spec.storageClassName = name;
    },
    validate({ group, resource }) {
      if (group === "storage.k8s.io" && resource === "storageclasses") known = undefined;
    },
  };

  async function defaultName(): Promise<string | undefined> {
    const nowMs = clock.now();
    if (known && nowMs - known.atMs < FRESH_MS) return known.name;
    known = {
      name: newestDefault((await listStorageClasses()).filter(({ metadata }) => isDefault(metadata)))?.metadata.name,
      atMs: nowMs,
    };
    return known.name;
  }
}
