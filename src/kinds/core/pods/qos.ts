/** The quality-of-service class of a pod, computed once, when it is created (pkg/apis/core/helper/qos of Kubernetes). */
import { readQuantity } from "../../../machinery/quantity.ts";
import type { PodSpec, QosClass, ResourceList } from "./types.ts";

const COUNTED = ["cpu", "memory"] as const;

/** "Guaranteed" when every container limits CPU and memory and asks for all it may use. */
export function qosClassOf(spec: PodSpec): QosClass {
  if (spec.resources?.limits || spec.resources?.requests) return classOf([spec.resources]);
  return classOf([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources ?? {}));
}

function classOf(all: readonly { limits?: ResourceList; requests?: ResourceList }[]): QosClass {
  let any = false;
  let guaranteed = true;
  const sums = { limits: { cpu: 0n, memory: 0n }, requests: { cpu: 0n, memory: 0n } };
  for (const { limits = {}, requests = {} } of all) {
    for (const name of COUNTED) {
      const limit = amount(limits[name]);
      const request = amount(requests[name]);
      if (limit > 0n || request > 0n) any = true;
      if (limit <= 0n) guaranteed = false;
      sums.limits[name] += limit;
      sums.requests[name] += request;
    }
  }
  if (!any) return "BestEffort";
  const equal = COUNTED.every((name) => sums.limits[name] === sums.requests[name]);
  return guaranteed && equal ? "Guaranteed" : "Burstable";
}

/** In billionths; 0 for what is absent or, before validation, unreadable. */
function amount(text: string | undefined): bigint {
  return text === undefined ? 0n : (readQuantity(text)?.nano ?? 0n);
}
