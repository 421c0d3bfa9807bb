/** metadata.managedFields: what every write does to them. The rules are in machinery/apply; here they meet kinds and requests. */
import { applyConfiguration, type Applied, type Conflict } from "../machinery/apply/apply-configuration.ts";
import { LEAF, difference, isEmptyTree, type FieldSet, type FieldTree } from "../machinery/apply/field-tree.ts";
import { DEDUCED, createFieldTypes, type FieldType } from "../machinery/apply/field-type.ts";
import {
  isReset,
  managedFieldsOf,
  sentManagers,
  storedManagers,
  type Manager,
  type ManagerName,
} from "../machinery/apply/managers.ts";
import { FieldsV1Error } from "../machinery/apply/path-element.ts";
import {
  SCALE_VERSION,
  managersOfParent,
  managersOfScale,
  type ScaleMapping,
} from "../machinery/apply/scale-managers.ts";
import { trackUpdate, type OwnableFields } from "../machinery/apply/track-update.ts";
import type { Versions } from "../machinery/apply/versions.ts";
import { formatTime, type KubeObject, type ManagedFieldsEntry } from "../machinery/meta.ts";
import type { SchemaNode } from "../machinery/schema.ts";
import type { Clock } from "../platform/platform.ts";
import type { KindDefinition } from "./kind.ts";
import { sameJson } from "./same-json.ts";
import type { Resource } from "./scheme.ts";
import { convert, fromStored } from "./stored-form.ts";

export interface ManagedFieldsDeps {
  clock: Clock;
  /** The type of a kind; undefined where nothing is known of it. */
  node(kind: TypeName): SchemaNode | undefined;
  /** An object of the kind in which nothing is set, as it would be printed. */
  emptyObject(kind: TypeName): object | undefined;
}

/** A kind by the name of its definition. */
export type TypeName = Pick<KindDefinition, "schema">;

export interface Writing {
  resource: Resource;
  /** "" for the object itself. */
  subresource: string;
  /** Who writes, as the entry names them. */
  manager: string;
}

export interface ApplyWriting extends Writing {
  live: KubeObject | undefined;
  /** As it was sent, and of the right type. */
  config: KubeObject;
  force: boolean;
}

export interface ScaleWriting extends ApplyWriting {
  live: KubeObject;
  /** The scale of `live`. */
  scale: KubeObject;
  type: TypeName;
}

/** `object` has no managedFields: they are in `entries`. */
export type AppliedObject = { conflicts: Conflict[] } | { object: KubeObject; entries: Entries };

type Entries = ManagedFieldsEntry[] | undefined;

export interface ManagedFields {
  /** Of a new object in its stored form, whose own managedFields count where they can be read. Never mutates. */
  created(writing: Writing, object: KubeObject): Entries;
  /** Of objects in their stored form. `sent` are those of the client, which may change them on purpose. Never mutates. */
  updated(writing: Writing, change: { live: KubeObject; next: KubeObject; sent: Entries }): Entries;
  /** The object, in the version of the resource, with what the configuration says, or who owns what it would change. Never mutates. */
  applied(writing: ApplyWriting): AppliedObject;
  /** The same through the scale of an object: the answer is the scale, with the entries of the object. */
  appliedScale(writing: ScaleWriting): AppliedObject;
  /** The type that configurations of a kind have. */
  typeOf(kind: TypeName): FieldType;
}

/** Owns what was there before anybody applied, in an object whose managers were not tracked. */
const BEFORE_FIRST_APPLY = "before-first-apply";

export function createManagedFields(deps: ManagedFieldsDeps): ManagedFields {
  const fieldTypes = createFieldTypes();
  const empty = new Map<string, KubeObject>();

  function typeOf(kind: TypeName): FieldType {
    const node = deps.node(kind);
    return node ? fieldTypes(node) : DEDUCED;
  }

  function emptyObject(kind: TypeName): KubeObject {
    const known = empty.get(kind.schema) ?? { metadata: {}, ...deps.emptyObject(kind) };
    empty.set(kind.schema, known);
    return known;
  }

  function versionsOf({ apiVersion, versions }: Resource): Versions {
    return {
      apiVersion,
      typeOf(version) {
        const of = versions.get(version);
        return of && typeOf(of.kind);
      },
      convert(object, { from, to }) {
        const [source, target] = [versions.get(from), versions.get(to)];
        if (!source || !target) return object;
        // Conversions take complete objects, and what is left after fields were taken out is none.
        return convert(source.canonical(object as KubeObject), { from: source, to: target });
      },
    };
  }

  const now = () => formatTime(deps.clock.now());

  function tracked(writing: Writing, change: { live: object; next: KubeObject; managers: readonly Manager[] }) {
    const { resource } = writing;
    return trackUpdate({
      live: change.live,
      next: ownedParts(change.next),
      managers: change.managers,
      by: nameOf(writing, "Update"),
      time: now(),
      versions: versionsOf(resource),
      ownable: ownableBy(writing),
    });
  }

  return {
    typeOf,
    created(writing, object) {
      const managers = readable(object.metadata.managedFields) ?? [];
      const live = ownedParts(emptyObject(writing.resource.kind));
      return entriesOf(tracked(writing, { live, next: fromStored(writing.resource, object), managers }));
    },
    updated(writing, { live, next, sent }) {
      const stored = live.metadata.managedFields;
      const own = writing.subresource === "" ? sent : undefined;
      if (isReset(own)) return undefined;
      const changed = own !== undefined && !sameJson(own, stored) ? readable(own) : undefined;
      const managers = changed && changed.length > 0 ? changed : storedManagers(stored);
      // Who has written an object that nobody tracks is not known, and one more writer would make it look as if it were.
      if (managers.length === 0) return undefined;
      const before = ownedParts(fromStored(writing.resource, live));
      const after = tracked(writing, { live: before, next: fromStored(writing.resource, next), managers });
      return after === managers && managers !== changed ? stored : entriesOf(after);
    },
    applied(writing) {
      const { resource } = writing;
      const { managedFields, ...metadata } = writing.live?.metadata ?? {};
      const live = writing.live ? { ...writing.live, metadata } : structuredClone(emptyObject(resource.kind));
      const managers = storedManagers(managedFields);
      const result = mergedInto(writing, {
        live,
        managers,
        versions: versionsOf(resource),
        exists: writing.live !== undefined,
      });
      return withEntries(result, (after) => after);
    },
    appliedScale(writing) {
      const { resource, scale, type } = writing;
      const mapping = scaleMapping(resource);
      const managers = storedManagers(writing.live.metadata.managedFields);
      const versions: Versions = {
        apiVersion: SCALE_VERSION,
        typeOf: (version) => (version === SCALE_VERSION ? typeOf(type) : undefined),
        convert: (object) => object,
      };
      const through = { live: scale, managers: managersOfScale(managers, mapping), versions, exists: true, type };
      return withEntries(mergedInto(writing, through), (after) => managersOfParent(managers, after, mapping));
    },
  };

  function mergedInto(writing: ApplyWriting, into: MergeInto): Applied {
    const { config, force } = writing;
    const { live, versions, exists } = into;
    let managers: readonly Manager[] = into.managers;
    if (exists && managers.length === 0) {
      managers = trackUpdate({
        live: ownedParts(emptyObject(into.type ?? writing.resource.kind)),
        next: ownedParts(live),
        managers,
        by: { ...nameOf(writing, "Update"), apiVersion: versions.apiVersion, manager: BEFORE_FIRST_APPLY },
        time: now(),
        versions,
        ownable: ownableBy(writing),
      });
    }
    return applyConfiguration({
      live,
      config,
      managers,
      by: { ...nameOf(writing, "Apply"), apiVersion: versions.apiVersion },
      force,
      time: now(),
      versions,
      ownable: ownableBy(writing),
      ownedParts: (object) => ownedParts(object as KubeObject),
    });
  }
}

interface MergeInto {
  live: KubeObject;
  managers: readonly Manager[];
  versions: Versions;
  exists: boolean;
  /** Of `live`, where it is not the kind of the resource. */
  type?: TypeName;
}

function withEntries(applied: Applied, parents: (managers: readonly Manager[]) => readonly Manager[]): AppliedObject {
  if ("conflicts" in applied) return applied;
  return { object: applied.object as KubeObject, entries: entriesOf(parents(applied.managers)) };
}

function scaleMapping({ apiVersion, versions }: Resource): ScaleMapping {
  return {
    apiVersion,
    replicasIn: (version) => versions.get(version)?.kind.scale?.replicas.map((name) => `f:${name}`),
  };
}

function nameOf({ resource, subresource, manager }: Writing, operation: ManagerName["operation"]): ManagerName {
  return { manager: manager === "" ? "unknown" : manager, operation, apiVersion: resource.apiVersion, subresource };
}

function entriesOf(managers: readonly Manager[]): Entries {
  return managers.length === 0 ? undefined : managedFieldsOf(managers);
}

/** What cannot be read counts as not sent. */
function readable(entries: Entries): Manager[] | undefined {
  if (entries === undefined || isReset(entries)) return undefined;
  try {
    return sentManagers(entries);
  } catch (error) {
    if (error instanceof FieldsV1Error) return undefined;
    throw error;
  }
}

/** What fields can be owned of: all but what only the system sets. After stripmeta.go of k8s.io/apimachinery. */
function ownedParts(object: KubeObject): object {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  const {
    name: _name,
    namespace: _namespace,
    uid: _uid,
    resourceVersion: _resourceVersion,
    generation: _generation,
    creationTimestamp: _creationTimestamp,
    managedFields: _managedFields,
    ...owned
  } = metadata ?? {};
  return { ...rest, metadata: owned };
}

const STATUS = "f:status";
/** The metadata as such is nobody's, only what is in it. */
const METADATA: FieldTree = { "f:metadata": LEAF };

/** After the reset fields of the strategies in Kubernetes: what a write can't change, it can't own. */
function ownableBy({ resource, subresource }: Writing): OwnableFields {
  if (subresource === "status") return (set) => ofStatusWrite(set, resource.strategy.statusWritesKeepMetadata);
  const parts = resource.strategy.ownableParts?.[subresource];
  if (parts) return (set) => set && partsOf(set, parts);
  if (!resource.hasStatus) return (set) => difference(set, METADATA);
  return (set) => {
    if (!set || !(STATUS in set)) return difference(set, METADATA);
    const { [STATUS]: _status, ...rest } = set;
    return isEmptyTree(rest) ? undefined : difference(rest, METADATA);
  };
}

function partsOf(tree: FieldTree, paths: readonly (readonly string[])[]): FieldSet {
  const kept: Record<string, FieldTree> = {};
  for (const [key, child] of Object.entries(tree)) {
    const rests = paths.filter(([head]) => head === key || head === "*").map(([, ...rest]) => rest);
    const inner = rests.some((rest) => rest.length === 0) ? child : partsOf(child, rests);
    if (rests.length > 0 && inner) kept[key] = inner;
  }
  return isEmptyTree(kept) ? undefined : kept;
}

const ANNOTATIONS = "f:annotations";

/** The status, and the annotations where a write of the status may change them. */
function ofStatusWrite(set: FieldSet, isStatusAlone = false): FieldSet {
  const status = set?.[STATUS];
  const annotations = isStatusAlone ? undefined : set?.["f:metadata"]?.[ANNOTATIONS];
  if (!status && !annotations) return undefined;
  return {
    ...(annotations ? { "f:metadata": { [ANNOTATIONS]: annotations } } : {}),
    ...(status ? { [STATUS]: status } : {}),
  };
}

/** Are these the same but for their times? */
export function sameButTimes(left: Entries, right: Entries): boolean {
  if (left === right) return true;
  if (!left || !right || left.length !== right.length) return false;
  return left.every((entry, index) => {
    const { time: _time, ...own } = entry;
    const { time: _otherTime, ...other } = right[index] ?? {};
    return sameJson(own, other);
  });
}
