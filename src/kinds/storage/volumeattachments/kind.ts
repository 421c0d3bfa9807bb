import { byteLength, dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { flag, text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import { statusSubresource } from "../../subresources.ts";
import type { VolumeAttachment, VolumeError } from "../types.ts";

const METADATA_BYTES_MAX = 256 * 1024;
const MESSAGE_BYTES_MAX = 1024;
const CODE_MAX = 2 ** 31 - 1;

export const volumeAttachmentKind = defineKind<VolumeAttachment>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.VolumeAttachment",
  answersDeleted: true,
  columns: [
    nameColumn,
    { ...text<VolumeAttachment>("Attacher", "Who attaches it.", ({ spec }) => spec.attacher), format: "name" },
    text("PV", "The volume.", ({ spec }) => spec.source.persistentVolumeName ?? ""),
    text("Node", "The node it is for.", ({ spec }) => spec.nodeName),
    flag("Attached", "Whether it is attached.", ({ status }) => status?.attached ?? false),
    ageColumn,
  ],
  subresources: [statusSubresource],
  strategy: {
    countsGenerations: false,
    allowUnconditionalUpdate: false,
    prepareForCreate(attachment) {
      attachment.status = { attached: false };
    },
    validate: validateAttachment,
    validateUpdate: (now, old) => immutableErrors(now.spec, old.spec, "spec"),
  },
});

/** pkg/apis/storage/validation of Kubernetes. */
function validateAttachment({ spec, status }: VolumeAttachment): FieldError[] {
  const { attacher, nodeName } = spec;
  return [
    ...(attacher
      ? invalidFor("spec.attacher", attacher, dnsSubdomainFaults(attacher.toLowerCase()))
      : [fieldError.required("spec.attacher")]),
    ...sourceErrors(spec.source, "spec.source"),
    ...invalidFor("spec.nodeName", nodeName, dnsSubdomainFaults(nodeName)),
    ...metadataErrors(status?.attachmentMetadata ?? {}),
    ...volumeErrors(status?.attachError, "status.attachError"),
    ...volumeErrors(status?.detachError, "status.detachError"),
  ];
}

function sourceErrors(
  { inlineVolumeSpec, persistentVolumeName: name }: VolumeAttachment["spec"]["source"],
  field: string,
): FieldError[] {
  const why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (!inlineVolumeSpec && name === undefined) return [fieldError.required(field, why)];
  if (inlineVolumeSpec && name !== undefined) return [fieldError.forbidden(field, why)];
  if (name === undefined) return [];
  const at = `${field}.persistentVolumeName`;
  if (name === "") return [fieldError.required(at, "must specify non empty persistentVolumeName")];
  return invalidFor(at, name, dnsSubdomainFaults(name));
}

function metadataErrors(metadata: Readonly<Record<string, string>>): FieldError[] {
  const bytes = Object.entries(metadata).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  return bytes > METADATA_BYTES_MAX ? [fieldError.tooLong("status.attachmentMetadata", METADATA_BYTES_MAX)] : [];
}

function volumeErrors(error: VolumeError | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (error?.message !== undefined && byteLength(error.message) > MESSAGE_BYTES_MAX) {
    errors.push(fieldError.tooLong(`${field}.message`, METADATA_BYTES_MAX));
  }
  if (error?.errorCode !== undefined && error.errorCode < 0) {
    errors.push(
      fieldError.invalid(`${field}.errorCode`, error.errorCode, `must be between 0 and ${CODE_MAX}, inclusive`),
    );
  }
  return errors;
}
