/**
 * RuntimeClass: what pods of a class cost beside their containers, and on which nodes they can run (plugin/pkg/admission/runtimeclass).
 */
import type { PodSpec, ResourceList, Toleration } from "../kinds/core/pods/types.ts";
import type { RuntimeClass } from "../kinds/node/runtimeclasses/types.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";
import type { Lookup } from "./service-account.ts";

const RESOURCE = "runtimeclasses.node.k8s.io";
const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

export function createRuntimeClass({ lookup }: { lookup: Lookup }): AdmissionPlugin {
  return {
    name: "RuntimeClass",
    async mutate(attributes) {
      const spec = newPodOf(attributes);
      if (!spec?.runtimeClassName) return;
      const { overhead, scheduling } = await classOf(attributes, spec.runtimeClassName);
      if (overhead) {
        const podFixed = overhead.podFixed ?? {};
        if (isAny(spec.overhead) && !isSame(spec.overhead, podFixed)) throw refused(attributes, OTHER_OVERHEAD);
        if (isAny(podFixed)) spec.overhead = { ...podFixed };
      }
      if (!scheduling) return;
      select(attributes, spec, scheduling.nodeSelector ?? {});
      const tolerations = mergedTolerations([...(spec.tolerations ?? []), ...(scheduling.tolerations ?? [])]);
      if (tolerations.length > 0) spec.tolerations = tolerations;
    },
    async validate(attributes) {
      const spec = newPodOf(attributes);
      if (!spec || (!spec.runtimeClassName && !isAny(spec.overhead))) return;
      const { overhead } = spec.runtimeClassName ? await classOf(attributes, spec.runtimeClassName) : {};
      if (overhead && !isSame(spec.overhead ?? {}, overhead.podFixed ?? {})) throw refused(attributes, OTHER_OVERHEAD);
      if (!overhead && isAny(spec.overhead)) {
        throw refused(attributes, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
      }
    },
  };

  /** @throws StatusError "Forbidden" */
  async function classOf(
    attributes: AdmissionAttributes,
    name: string,
  ): Promise<Pick<RuntimeClass, "overhead" | "scheduling">> {
    const found = await lookup({ resource: RESOURCE, namespace: "", name });
    if (!found) throw refused(attributes, `pod rejected: RuntimeClass "${name}" not found`);
    return found as RuntimeClass;
  }
}

function newPodOf(attributes: AdmissionAttributes): PodSpec | undefined {
  return attributes.operation === "CREATE" ? podOf(attributes)?.spec : undefined;
}

function isAny(list: ResourceList | undefined): list is ResourceList {
  return list !== undefined && Object.keys(list).length > 0;
}

/** Both are canonical. */
function isSame(a: ResourceList, b: ResourceList): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** @throws StatusError "Forbidden" where the pod wants another node */
function select(attributes: AdmissionAttributes, spec: PodSpec, selector: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(selector)) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      throw refused(
        attributes,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
      );
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
}

/** Without those that another one makes needless; of equal ones the first stays (pkg/util/tolerations). */
export function mergedTolerations(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = [];
  for (const [at, toleration] of all.entries()) {
    if (merged.some((other) => covers(other, toleration))) continue;
    const later = all.slice(at + 1).filter((other) => !isEqual(other, toleration));
    if (!later.some((other) => covers(other, toleration))) merged.push(toleration);
  }
  return merged;
}

/** Does `wide` tolerate everything that `other` does? */
function covers(wide: Toleration, other: Toleration): boolean {
  if (isEqual(wide, other)) return true;
  if (wide.key !== other.key && ((wide.key ?? "") !== "" || wide.operator !== "Exists")) return false;
  if (wide.effect !== undefined && wide.effect !== other.effect) return false;
  if (wide.effect === "NoExecute" && wide.tolerationSeconds !== undefined) {
    if (other.tolerationSeconds === undefined || other.tolerationSeconds > wide.tolerationSeconds) return false;
  }
  if (wide.operator === "Exists") return true;
  const { operator = "Equal" } = wide;
  return operator === "Equal" && (other.operator ?? "Equal") === "Equal" && (other.value ?? "") === (wide.value ?? "");
}

function isEqual(a: Toleration, b: Toleration): boolean {
  return (
    a.key === b.key &&
    a.operator === b.operator &&
    a.value === b.value &&
    a.effect === b.effect &&
    a.tolerationSeconds === b.tolerationSeconds
  );
}
