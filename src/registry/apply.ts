/** PATCH of type apply: a configuration becomes an update, or a creation where the object is missing. */
import type { Conflict } from "../machinery/apply/apply-configuration.ts";
import { faultsText, typeFaults } from "../machinery/apply/check-typed.ts";
import type { FieldType } from "../machinery/apply/field-type.ts";
import type { ManagerName } from "../machinery/apply/managers.ts";
import { pathText } from "../machinery/apply/path-element.ts";
import { parseApiVersion, type GroupVersionKind } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { isObject } from "../machinery/patch/json-value.ts";
import { StatusError, badRequest, conflict } from "../machinery/status-error.ts";
import { named, type RegistryDeps, type Target, type WriteContext, type Written } from "./context.ts";
import { createObject } from "./create.ts";
import { setManagedFields } from "./admit.ts";
import { withLastApplied } from "./last-applied.ts";
import type { TypeName } from "./managed-fields.ts";
import { updateObject, type UpdateScope } from "./update.ts";

export interface ApplyRequest extends Target {
  scope: UpdateScope;
  /** "", or "status" */
  subresource: string;
  /** As it was sent. */
  config: unknown;
  /** Takes fields that others manage. */
  force: boolean;
  /** Decodes what the merge made into the canonical form, and holds its name and namespace against the request. */
  decode(value: KubeObject): KubeObject;
  /** For an apply that creates. @throws StatusError "Forbidden" */
  assertMayCreate(): Promise<void>;
  context: WriteContext;
}

/** @throws StatusError BadRequest when the configuration is none; Conflict (with a cause for each field), and what updates and creations throw */
export async function applyObject(deps: RegistryDeps, request: ApplyRequest): Promise<Written> {
  const { resource, namespace, name, scope, subresource, context } = request;
  const config = checkedConfiguration(request.config, resource.kind, deps.managedFields.typeOf(resource.kind));
  return await updateObject(deps, {
    resource,
    namespace,
    name,
    scope,
    subresource,
    isPatch: true,
    tracked: true,
    produce: (old) => applied(deps, request, { live: old, config }),
    createsMissing: subresource === "",
    create: async () => {
      const object = applied(deps, request, { live: undefined, config });
      const { uid } = object.metadata;
      if (uid) {
        const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
        throw conflict(named(request), name, why);
      }
      // There is no revision that it could be: as in Kubernetes it does not count.
      delete object.metadata.resourceVersion;
      await request.assertMayCreate();
      return await createObject(deps, { resource, namespace, object, tracked: true, context });
    },
    context,
  });
}

/** An apply to the scale of an object: `config` is one of the scale. */
export interface ApplyScaleRequest extends Target {
  config: unknown;
  force: boolean;
  type: GroupVersionKind & TypeName;
  scaleOf(object: KubeObject): KubeObject;
  /** Changes the object as its new scale says. */
  rescale(object: KubeObject, scale: KubeObject): KubeObject;
  /** As in ApplyRequest, of a scale. */
  decode(value: KubeObject): KubeObject;
  context: WriteContext;
}

/** @throws StatusError as applyObject; NotFound, as it never creates */
export async function applyScale(deps: RegistryDeps, request: ApplyScaleRequest): Promise<Written> {
  const { resource, namespace, name, type, force, context } = request;
  const subresource = "scale";
  const config = checkedConfiguration(request.config, type, deps.managedFields.typeOf(type));
  return await updateObject(deps, {
    resource,
    namespace,
    name,
    scope: "object",
    subresource,
    isPatch: true,
    tracked: true,
    produce(live) {
      const writing = { resource, subresource, manager: context.fieldManager, config, force };
      const scale = request.scaleOf(live);
      const result = deps.managedFields.appliedScale({ ...writing, live, scale, type });
      if ("conflicts" in result) throw applyConflict(result.conflicts);
      const object = request.rescale(live, request.decode(result.object));
      setManagedFields(object, result.entries);
      return object;
    },
    context,
  });
}

/** @throws StatusError "BadRequest", in the order and with the texts of managedfields/internal of k8s.io/apimachinery */
function checkedConfiguration(value: unknown, of: GroupVersionKind, type: FieldType): KubeObject {
  if (!isObject(value)) {
    const found = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    throw badRequest(
      `error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
    );
  }
  const { apiVersion, kind } = value;
  const { group, version } = parseApiVersion(typeof apiVersion === "string" ? apiVersion : "");
  const sent = { group, version, kind: typeof kind === "string" ? kind : "" };
  if (sent.group !== of.group || sent.version !== of.version || sent.kind !== of.kind) {
    throw badRequest(`invalid object type: ${gvkText(sent)}`);
  }
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {};
  if (Array.isArray(metadata["managedFields"])) throw badRequest("metadata.managedFields must be nil");
  const faults = typeFaults(value, type);
  if (faults.length === 0) return { ...value, metadata };
  const { namespace, name } = metadata;
  const address = `${typeof namespace === "string" ? namespace : ""}/${typeof name === "string" ? name : ""}`;
  throw badRequest(`failed to create typed patch object (${address}; ${gvkText(sent)}): ${faultsText(faults)}`);
}

function gvkText({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}, Kind=${kind}`;
}

function applied(
  deps: RegistryDeps,
  request: ApplyRequest,
  { live, config }: { live: KubeObject | undefined; config: KubeObject },
): KubeObject {
  const { resource, subresource, force, context } = request;
  const writing = { resource, subresource, manager: context.fieldManager, live, config };
  const result = withLastApplied(deps.managedFields, { ...writing, force });
  if ("conflicts" in result) throw applyConflict(result.conflicts);
  const object = request.decode(result.object);
  setManagedFields(object, result.entries);
  return object;
}

/** The texts of internal/conflict.go in k8s.io/apimachinery. */
function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ with: other, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerText(other)}`,
    field: pathText(path),
  }));
  return new StatusError("Conflict", conflictText(conflicts), { details: { causes } });
}

function conflictText(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (only && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${managerText(only.with)}: ${pathText(only.path)}`;
  }
  const byManager = new Map<string, string[]>();
  for (const { with: other, path } of conflicts) {
    const text = managerText(other);
    byManager.set(text, [...(byManager.get(text) ?? []), `- ${pathText(path)}`]);
  }
  const parts = [...byManager].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = parts.flatMap(([manager, fields]) => [`conflicts with ${manager}:`, ...fields]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}

function managerText({ manager, operation, apiVersion, subresource }: ManagerName): string {
  const name = JSON.stringify(manager) + (subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}
