/** Requests for the tests of plugins. */
import type { Pod, PodSpec } from "../../kinds/core/pods/types.ts";
import type { AdmissionAttributes } from "../admission.ts";

export function attributesOf(parts: Partial<AdmissionAttributes>): AdmissionAttributes {
  return {
    operation: "CREATE",
    group: "",
    version: "v1",
    kind: "Pod",
    resource: "pods",
    subresource: "",
    namespace: "ns",
    name: "",
    user: { name: "someone", groups: [] },
    dryRun: false,
    object: undefined,
    oldObject: undefined,
    conditions: [],
    warn: () => undefined,
    authorization: {
      async assert(question) {
        await question();
      },
    },
    ...parts,
  };
}

export function podWith(spec: Partial<PodSpec> = {}): Pod {
  return { metadata: { name: "p", namespace: "ns" }, spec: { containers: [{ name: "c" }], ...spec } };
}
