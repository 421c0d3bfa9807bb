/** The proxy to what pods, services and nodes serve. Beside the verbs that discovery tells, it takes HEAD and OPTIONS. */
import type { SubresourceDefinition } from "../../registry/kind.ts";

/** `kind`: of the options in its query, e.g. "PodProxyOptions". */
export function proxySubresource(kind: string): SubresourceDefinition {
  return {
    name: "proxy",
    body: { group: "", version: "v1", kind },
    verbs: ["create", "delete", "get", "patch", "update"],
  };
}
