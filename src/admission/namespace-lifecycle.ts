/** NamespaceLifecycle: nothing is created in a namespace that is missing or going, and those of the system stay. */
import type { AdmissionPlugin } from "./admission.ts";
import { refused } from "./refusal.ts";

const PERMANENT: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);

export function createNamespaceLifecycle(): AdmissionPlugin {
  return {
    name: "NamespaceLifecycle",
    mutate({ operation, namespace, subresource, conditions }) {
      if (operation !== "CREATE" || namespace === "" || subresource !== "") return;
      // Only the database can tell without a race.
      conditions.push({ kind: "namespace-active", name: namespace });
    },
    validate(attributes) {
      const { operation, group, resource, name } = attributes;
      if (operation === "DELETE" && group === "" && resource === "namespaces" && PERMANENT.has(name)) {
        throw refused(attributes, "this namespace may not be deleted");
      }
    },
  };
}
