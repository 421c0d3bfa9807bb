/** Which class claims get that name none: pkg/apis/storage/util of Kubernetes. */
import type { StorageClass } from "../types.ts";

const DEFAULT_ANNOTATIONS = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

export function isDefault({ annotations }: StorageClass["metadata"]): boolean {
  return DEFAULT_ANNOTATIONS.some((name) => annotations?.[name] === "true");
}
