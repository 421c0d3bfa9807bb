/** Which type a body must be of. */
import { parseApiVersion, type GroupVersionKind } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";

/** A type as the codec knows it. */
export interface BodyType extends GroupVersionKind {
  /** Name of the OpenAPI definition. */
  schema: string;
}

/** Kubernetes names the internal type of the request, whose package is the first part of its group. */
export function cannotConvert({ kind = "", apiVersion = "" }: Partial<KubeObject>, type: GroupVersionKind): string {
  const { version } = parseApiVersion(apiVersion);
  const [internal] = type.group === "" ? ["core"] : type.group.split(".");
  return `converting (${version}.${kind}) to (${internal}.${type.kind}): unknown conversion`;
}
