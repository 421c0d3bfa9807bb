/** The versions in which fields of an object may be managed. */
import type { FieldType } from "./field-type.ts";

export interface Versions {
  /** The version that the objects at hand are in: "apps/v1". */
  readonly apiVersion: string;
  /** Undefined for a version that is not served any more: who managed fields in it is forgotten. */
  typeOf(apiVersion: string): FieldType | undefined;
  /** From one version into another, both served. Never changes the object. */
  convert(object: object, versions: { from: string; to: string }): object;
}
