/** Priority: resolves the class of a pod to a number, and sees to it that there is one default class at most. */
import type { Pod, PodSpec } from "../kinds/core/pods/types.ts";
import { SYSTEM_CLASSES, type PriorityClass } from "../kinds/scheduling/priorityclasses/types.ts";
import type { Clock } from "../platform/platform.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";
import type { Lookup } from "./service-account.ts";

export interface PriorityDeps {
  lookup: Lookup;
  /** All that there are. */
  listClasses: () => Promise<readonly PriorityClass[]>;
  clock: Clock;
}

type Resolved = Pick<PriorityClass, "value" | "preemptionPolicy"> & { name: string };

const RESOURCE = "priorityclasses.scheduling.k8s.io";
const NO_CLASS: Resolved = { name: "", value: 0, preemptionPolicy: "PreemptLowerPriority" };
/** How old the answer may be that pods without a class get: a thousand pods that come at once ask once. */
const FRESH_MS = 1_000;

export function createPriority({ lookup, listClasses, clock }: PriorityDeps): AdmissionPlugin {
  let known: { defaultClass: Resolved; atMs: number } | undefined;

  return {
    name: "Priority",
    async mutate(attributes) {
      const spec = podOf(attributes)?.spec;
      if (!spec) return;
      if (attributes.operation === "CREATE") {
        complete(attributes, spec, await classOf(attributes, spec.priorityClassName ?? ""));
      } else if (attributes.operation === "UPDATE") {
        keep(spec, (attributes.oldObject as Pod | undefined)?.spec);
      }
    },
    async validate(attributes) {
      const { group, resource, operation, object } = attributes;
      if (group !== "scheduling.k8s.io" || resource !== "priorityclasses") return;
      known = undefined;
      const { globalDefault, metadata } = (object ?? {}) as Partial<PriorityClass>;
      if (!globalDefault) return;
      const name = defaultOf(await listClasses())?.metadata.name;
      if (name === undefined || (operation === "UPDATE" && name === metadata?.name)) return;
      throw refused(attributes, `PriorityClass ${name} is already marked as default. Only one default can exist`);
    },
  };

  /** @throws StatusError "Forbidden" */
  async function classOf(attributes: AdmissionAttributes, name: string): Promise<Resolved> {
    if (name === "") return await defaultClass();
    // Those of the system never change.
    const found =
      SYSTEM_CLASSES.find(({ metadata }) => metadata.name === name) ??
      ((await lookup({ resource: RESOURCE, namespace: "", name })) as PriorityClass | undefined);
    if (!found) throw refused(attributes, `no PriorityClass with name ${name} was found`);
    return resolved(found);
  }

  async function defaultClass(): Promise<Resolved> {
    const nowMs = clock.now();
    if (known && nowMs - known.atMs < FRESH_MS) return known.defaultClass;
    const found = defaultOf(await listClasses());
    known = { defaultClass: found ? resolved(found) : NO_CLASS, atMs: nowMs };
    return known.defaultClass;
  }
}

/** Where races have left several, the one that matters least. */
function defaultOf(classes: readonly PriorityClass[]): PriorityClass | undefined {
  return classes.filter(({ globalDefault }) => globalDefault).toSorted((one, other) => one.value - other.value)[0];
}

function resolved({ metadata, value, preemptionPolicy = "PreemptLowerPriority" }: PriorityClass): Resolved {
  return { name: metadata.name ?? "", value, preemptionPolicy };
}

/** An update that leaves out what was resolved means no change; validation refuses any other. */
function keep(spec: PodSpec, old: PodSpec | undefined): void {
  if (spec.priority === undefined && old?.priority !== undefined) spec.priority = old.priority;
  if (spec.preemptionPolicy === undefined && old?.preemptionPolicy !== undefined) {
    spec.preemptionPolicy = old.preemptionPolicy;
  }
}

function complete(
  attributes: AdmissionAttributes,
  spec: PodSpec,
  { name, value, preemptionPolicy = "PreemptLowerPriority" }: Resolved,
): void {
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refused(
      attributes,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    throw refused(
      attributes,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
    );
  }
  if (name !== "") spec.priorityClassName = name;
  spec.priority = value;
  spec.preemptionPolicy = preemptionPolicy;
}
