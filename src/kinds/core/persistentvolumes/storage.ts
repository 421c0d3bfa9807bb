/** What volumes and claims of them have in common. */
import { dnsSubdomainFaults } from "../../../machinery/names.ts";
import { readQuantity } from "../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import type { AccessMode } from "../persistentvolumeclaims/types.ts";

export const ACCESS_MODES: readonly string[] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const VOLUME_MODES: readonly string[] = ["Block", "Filesystem"];

/** The annotation that named a class before there was a field for it. */
const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

/** An amount of storage: a quantity above zero. */
export function storageErrors(text: string, field: string): FieldError[] {
  const quantity = readQuantity(text);
  if (!quantity) return [fieldError.invalid(field, text, "must be a quantity")];
  const errors: FieldError[] = [];
  if (quantity.nano < 0n) errors.push(fieldError.invalid(field, text, "must be greater than or equal to 0"));
  if (quantity.nano <= 0n) errors.push(fieldError.invalid(field, text, "must be greater than zero"));
  return errors;
}

/** The name of a StorageClass or VolumeAttributesClass. "" means something and is fine. */
export function classNameErrors(name: string | undefined, field: string): FieldError[] {
  return name ? invalidFor(field, name, dnsSubdomainFaults(name)) : [];
}

const SHORT_MODES: readonly (readonly [AccessMode, string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];

/** "RWO,RWX" */
export function accessModesCell(modes: readonly AccessMode[] | undefined): string {
  return SHORT_MODES.filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(",");
}

export function storageClassOf({
  metadata,
  spec,
}: {
  metadata: { annotations?: Record<string, string> };
  spec?: { storageClassName?: string };
}): string {
  return metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? "";
}
