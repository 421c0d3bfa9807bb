/**
 * From client-side to server-side apply: `kubectl` as a manager may take the fields that its annotation says it applied, and
 * keeps the annotation as it is up to date. After lastappliedmanager.go and lastappliedupdater.go of k8s.io/apimachinery.
 */
import { changedFields, compareObjects } from "../machinery/apply/compare.ts";
import { difference, hasField, type FieldSet } from "../machinery/apply/field-tree.ts";
import { fieldsOf } from "../machinery/apply/fields-of.ts";
import type { FieldType } from "../machinery/apply/field-type.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { ApplyWriting, AppliedObject, ManagedFields } from "./managed-fields.ts";

const KUBECTL = "kubectl";
const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
const ANNOTATIONS_BYTES_MAX = 256 * 1024;

/** An apply that knows of the annotation. */
export function withLastApplied(managedFields: ManagedFields, writing: ApplyWriting): AppliedObject {
  const result = managedFields.applied(writing);
  if (writing.manager !== KUBECTL) return result;
  return withAnnotation(writing, withoutOwnConflicts(managedFields, writing, result));
}

function withoutOwnConflicts(
  managedFields: ManagedFields,
  writing: ApplyWriting,
  result: AppliedObject,
): AppliedObject {
  if (!("conflicts" in result) || !writing.live) return result;
  const allowed = lastAppliedFields(writing, writing.live, managedFields.typeOf(writing.resource.kind));
  const conflicts = result.conflicts.filter(({ path }) => !hasField(allowed, path));
  return conflicts.length > 0 ? { conflicts } : managedFields.applied({ ...writing, force: true });
}

/** What the annotation says and the object still has. */
function lastAppliedFields(writing: ApplyWriting, live: KubeObject, type: FieldType): FieldSet {
  const last = parsed(live.metadata.annotations?.[ANNOTATION]);
  if (!last || last.apiVersion !== writing.resource.apiVersion) return undefined;
  return difference(fieldsOf(last, type), changedFields(compareObjects(last, live, type)));
}

function parsed(text: string | undefined): KubeObject | undefined {
  if (!text) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as KubeObject) : undefined;
  } catch {
    return undefined;
  }
}

/** An annotation that is there says what was applied last; one that would be too large goes. */
function withAnnotation({ config }: ApplyWriting, result: AppliedObject): AppliedObject {
  if ("conflicts" in result || !result.object.metadata.annotations?.[ANNOTATION]) return result;
  const { [ANNOTATION]: _last, ...others } = config.metadata.annotations ?? {};
  const { annotations, ...metadata } = config.metadata;
  const applied = { ...config, metadata: annotations ? { ...metadata, annotations: others } : metadata };
  const text = `${JSON.stringify(applied)}\n`;
  const { [ANNOTATION]: _old, ...kept } = result.object.metadata.annotations;
  const tooLarge = JSON.stringify(kept).length + text.length > ANNOTATIONS_BYTES_MAX;
  const next = tooLarge ? kept : { ...kept, [ANNOTATION]: text };
  const object = { ...result.object, metadata: { ...result.object.metadata, annotations: next } };
  return { ...result, object };
}
