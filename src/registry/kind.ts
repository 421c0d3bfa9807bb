/** `defineKind`: everything the API needs to know of a kind. A kind with no special behaviour is only data. */
import type { KubeObject } from "../machinery/meta.ts";
import type { FieldError } from "../machinery/status-error.ts";
import type { NameRule, Strategy } from "./strategy.ts";

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** A column of `kubectl get`. */
export interface PrinterColumn<T extends KubeObject = KubeObject> {
  name: string;
  /** "date" is shown as an age, "timestamp" as it is (clients learn that it is a date). */
  type: "string" | "integer" | "date" | "boolean" | "timestamp";
  format?: "name";
  /** 0 is always shown, 1 only with `-o wide`. */
  priority?: 0 | 1;
  description: string;
  /** The cell. A date column gives the age, computed by the caller from an RFC 3339 string. */
  value(obj: T, nowMs: number): string | number | boolean | null;
}

/** What a table says of a row beside its cells: https://kubernetes.io/docs/reference/using-api/api-concepts/ (TableRowCondition). */
export interface RowCondition {
  type: "Completed";
  status: "True";
  reason: string;
  message: string;
}

/**
 * A subresource stored inside its parent. "status" is written by the ordinary update path with the strategy told so.
 * Others (scale, binding, log, exec, token, eviction) are handlers in http/subresources, named here for discovery.
 */
export interface SubresourceDefinition {
  name: string;
  /** The kind of its body, e.g. { group: "autoscaling", version: "v1", kind: "Scale" }; the parent's when absent. */
  body?: { group: string; version: string; kind: string };
  verbs: readonly ("get" | "update" | "patch" | "create" | "delete")[];
}

/** Where the generic scale handler finds its three values, as paths into the object. */
export interface ScalePaths {
  replicas: readonly string[];
  statusReplicas: readonly string[];
  /** A LabelSelector, or a map of labels where `selectorIsMap`. */
  selector: readonly string[];
  selectorIsMap?: true;
}

/**
 * How a version of a kind is kept that is stored as another: autoscaling/v1 as autoscaling/v2, events.k8s.io/v1 as v1. Both share
 * names, uids, revisions and the history. Everything that happens between decoding and encoding (admission, strategy, validation,
 * selectors) sees the stored form, as Kubernetes' registries see the internal one.
 */
export interface StoredAs<T extends KubeObject = KubeObject> {
  /** It is stored as itself. Its strategy rules; of this kind's own strategy only `default` counts, on what clients send. */
  kind: KindDefinition;
  /** Both are pure and total and lose nothing on the way there and back; what has no place goes to annotations. Metadata stays. */
  toStored(object: T): KubeObject;
  fromStored(object: KubeObject): T;
  /** What is refused in writes through this version only. Both in the stored form; `old` is undefined on create. */
  validate?(object: KubeObject, old: KubeObject | undefined): FieldError[];
  /** Selectable fields, by their name in this version: the stored kind's name of each. The same names where absent. */
  fields?: Readonly<Record<string, string>>;
}

export interface KindDefinition<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  kind: string;
  /** Lower-case, e.g. "endpointslices". */
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  verbs: readonly Verb[];
  /** Name of the OpenAPI definition, e.g. "io.k8s.api.apps.v1.Deployment". */
  schema: string;
  nameRule: NameRule;
  /** What everybody who asks for it is warned of, in Kubernetes' words. */
  deprecated?: string;
  columns: readonly PrinterColumn<T>[];
  /** Undefined or absent: nothing is said of the row. */
  rowConditions?(obj: T): readonly RowCondition[] | undefined;
  /** The order of rows in a table; absent: that of any list. */
  compareRows?(a: T, b: T): number;
  subresources: readonly SubresourceDefinition[];
  scale?: ScalePaths;
  /** Nothing is stored of it: a handler of its own answers (http/resources.ts). */
  computed?: true;
  /** A delete answers with the object that is gone (ReturnDeletedObject of k8s.io/apiserver); others answer a Status. */
  answersDeleted: boolean;
  strategy: Strategy<T>;
  /** Raise when defaults or the schema change so that stored objects of an older generation are decoded anew. */
  generation: number;
  /** Absent: it is stored as itself. */
  storedAs?: StoredAs<T>;
}

export type KindInput<T extends KubeObject> = Pick<
  KindDefinition<T>,
  "group" | "version" | "kind" | "plural" | "namespaced" | "schema"
> &
  Partial<KindDefinition<T>>;

/** Every verb of an ordinary resource. */
export const ALL_VERBS: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

const NAME_AND_AGE: readonly PrinterColumn[] = [
  {
    name: "Name",
    type: "string",
    format: "name",
    description: "Name must be unique within a namespace.",
    value: (obj) => obj.metadata.name ?? "",
  },
  {
    name: "Age",
    type: "date",
    description: "Time since the object was created.",
    value: (obj) => obj.metadata.creationTimestamp ?? null,
  },
];

/** The two columns every table of Kubernetes has; kinds put their own between them. */
export const nameColumn = NAME_AND_AGE[0] as PrinterColumn;
export const ageColumn = NAME_AND_AGE[1] as PrinterColumn;

/** Of kinds that Kubernetes has no table for. */
export const createdColumn: PrinterColumn = {
  name: "Created At",
  type: "timestamp",
  description: "When the object was created.",
  value: (obj) => obj.metadata.creationTimestamp ?? null,
};

export function defineKind<T extends KubeObject = KubeObject>(input: KindInput<T>): KindDefinition<T> {
  return {
    singular: input.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: ALL_VERBS,
    nameRule: input.storedAs?.kind.nameRule ?? "dns-subdomain",
    columns: input.storedAs ? columnsOfStored(input.storedAs) : NAME_AND_AGE,
    subresources: [],
    answersDeleted: input.storedAs?.kind.answersDeleted ?? false,
    strategy: {},
    generation: 1,
    ...input,
  };
}

/** What the stored kind prints, of objects of this version. */
function columnsOfStored<T extends KubeObject>(storedAs: StoredAs<T>): readonly PrinterColumn<T>[] {
  return storedAs.kind.columns.map((column) => ({
    ...column,
    value: (obj, nowMs) => column.value(storedAs.toStored(obj), nowMs),
  }));
}

/** The form stored with every row of this kind. */
export function formOf(kind: Pick<KindDefinition, "version" | "generation">): string {
  return `${kind.version}/${kind.generation}`;
}
