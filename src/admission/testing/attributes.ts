/** Requests for the tests of plugins. */
import type { Pod, PodSpec } from "../../kinds/core/pods/types.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { AdmissionAttributes } from "../admission.ts";
import type { NamespaceRules, NamespaceRulesReader } from "../namespace-rules.ts";

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

/** Rules of the namespace that requests are in; what a test does not name is not there. */
export function rulesWith(rules: Partial<NamespaceRules>): Pick<NamespaceRulesReader, "of" | "recentOf" | "quotasOf"> {
  const all: NamespaceRules = { namespace: { metadata: { name: "ns" } }, limitRanges: [], quotas: [], ...rules };
  return { of: async () => all, recentOf: async () => all, quotasOf: async () => all.quotas };
}

/** What the pass says: its refusal, or "" where it lets the request through. */
export async function refusalOf(pass: (() => Promise<void> | void) | undefined): Promise<string> {
  try {
    await pass?.();
    return "";
  } catch (error) {
    if (!isStatusError(error)) throw error;
    return error.message;
  }
}

export function podWith(spec: Partial<PodSpec> = {}): Pod {
  return { metadata: { name: "p", namespace: "ns" }, spec: { containers: [{ name: "c" }], ...spec } };
}
