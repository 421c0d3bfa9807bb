/** What priority and fairness sees of a request. */
import type { FlowRequest } from "../flowcontrol/schema-rules.ts";
import type { RequestInfo } from "./request-info.ts";

/** They last as long as somebody looks: k8s.io/apiserver's BasicLongRunningRequestCheck, without watches. */
const STREAMS: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "proxy", "log"]);

export function isStream(info: RequestInfo): boolean {
  return info.isResource && STREAMS.has(info.subresource);
}

export function flowRequest(info: RequestInfo): FlowRequest {
  if (info.isResource) return info;
  return { ...info, group: "", resource: "", subresource: "", namespace: "" };
}
