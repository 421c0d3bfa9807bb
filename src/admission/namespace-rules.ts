/**
 * What a namespace says of what is created in it: its labels, its LimitRanges and quotas. Read once for a request; for a pod together with the
 * account that it runs as, which has to be read anyway: so namespaces without rules cost no round trip.
 */
import type { LimitRange } from "../kinds/core/limitranges/types.ts";
import type { ResourceQuota } from "../kinds/core/resourcequotas/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { Clock } from "../platform/platform.ts";
import type { AdmissionAttributes } from "./admission.ts";
import { podOf } from "./pod-request.ts";
import { DEFAULT_ACCOUNT, type Lookup, type ObjectName } from "./service-account.ts";

/** Shared by requests: never changed. */
export interface NamespaceRules {
  /** Undefined: there is no such namespace. */
  namespace: KubeObject | undefined;
  /** By name. */
  limitRanges: readonly LimitRange[];
  quotas: readonly ResourceQuota[];
}

/** An object as it was found. It may be shared: never changed. */
export interface Found extends ObjectName {
  object: KubeObject;
}

/** The live ones of these names and all that live of the whole resources, in one round trip. */
export type ReadMany = (
  names: readonly ObjectName[],
  wholes: readonly Omit<ObjectName, "name">[],
) => Promise<readonly Found[]>;

export interface NamespaceRulesReader {
  /** The rules for a request, as they are now: all plugins of one request see the same. */
  of(attributes: AdmissionAttributes): Promise<NamespaceRules>;
  /** The rules as they were at most a moment ago: for what only warns. */
  recentOf(attributes: AdmissionAttributes): Promise<NamespaceRules>;
  /** The quotas of a namespace, as they are now: read anew each time. */
  quotasOf(namespace: string): Promise<readonly ResourceQuota[]>;
  /** One object: out of what was read with the rules, where a request is named and that has it. */
  lookup: Lookup;
}

/** How old the rules may be that only warn: a thousand objects that come at once ask once. */
const FRESH_MS = 1_000;
/** Namespaces whose rules are remembered so. */
const REMEMBERED_MAX = 1_024;

interface Reading {
  rules: NamespaceRules;
  names: readonly ObjectName[];
  found: readonly Found[];
}

export interface NamespaceRulesDeps {
  readMany: ReadMany;
  lookup: Lookup;
  clock: Clock;
}

export function createNamespaceRules({ readMany, lookup, clock }: NamespaceRulesDeps): NamespaceRulesReader {
  /** By request: both of its passes, mutating and validating, have the same attributes. */
  const readings = new WeakMap<AdmissionAttributes, Promise<Reading>>();
  const recent = new Map<string, { rules: Promise<NamespaceRules>; atMs: number }>();

  return {
    async of(attributes) {
      return (await readingOf(attributes)).rules;
    },
    recentOf({ namespace }) {
      const nowMs = clock.now();
      const known = recent.get(namespace);
      if (known && nowMs - known.atMs < FRESH_MS) return known.rules;
      const rules = read(readMany, { namespace, account: undefined }).then((reading) => reading.rules);
      recent.delete(namespace);
      recent.set(namespace, { rules, atMs: nowMs });
      const [oldest] = recent.keys();
      if (recent.size > REMEMBERED_MAX && oldest !== undefined) recent.delete(oldest);
      // What could not be read is asked for again.
      rules.catch(() => recent.delete(namespace));
      return rules;
    },
    async quotasOf(namespace) {
      return allOf(
        await readMany([], [{ resource: "resourcequotas", namespace }]),
        "resourcequotas",
      ) as ResourceQuota[];
    },
    async lookup(at, attributes) {
      if (!attributes) return await lookup(at);
      const { names, found } = await readingOf(attributes);
      if (!names.some((name) => isSame(name, at))) return await lookup(at);
      return found.find((one) => isSame(one, at))?.object;
    },
  };

  function readingOf(attributes: AdmissionAttributes): Promise<Reading> {
    const known = readings.get(attributes);
    if (known) return known;
    const reading = read(readMany, { namespace: attributes.namespace, account: accountOf(attributes) });
    readings.set(attributes, reading);
    return reading;
  }
}

function accountOf(attributes: AdmissionAttributes): string | undefined {
  const pod = attributes.operation === "CREATE" ? podOf(attributes) : undefined;
  return pod && (pod.spec.serviceAccountName || pod.spec.serviceAccount || DEFAULT_ACCOUNT);
}

async function read(
  readMany: ReadMany,
  { namespace, account }: { namespace: string; account: string | undefined },
): Promise<Reading> {
  const names: ObjectName[] = [{ resource: "namespaces", namespace: "", name: namespace }];
  if (account !== undefined) names.push({ resource: "serviceaccounts", namespace, name: account });
  const wholes = ["limitranges", "resourcequotas"].map((resource) => ({ resource, namespace }));
  const found = await readMany(names, wholes);
  return {
    rules: {
      namespace: allOf(found, "namespaces")[0],
      limitRanges: allOf(found, "limitranges") as LimitRange[],
      quotas: allOf(found, "resourcequotas") as ResourceQuota[],
    },
    names,
    found,
  };
}

/** By name. */
function allOf(found: readonly Found[], wanted: string): KubeObject[] {
  return found
    .filter(({ resource }) => resource === wanted)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ object }) => object);
}

function isSame(a: ObjectName, b: ObjectName): boolean {
  return a.resource === b.resource && a.namespace === b.namespace && a.name === b.name;
}
