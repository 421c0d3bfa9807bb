/** What every API server has and keeps as it is: k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap. */
import type { FlowRule, FlowSchema, PriorityLevelConfiguration } from "./types.ts";

/** Whoever changes it to "false" keeps their own specification of a suggested one. */
const annotations = { "apf.kubernetes.io/autoupdate-spec": "true" };

const EVERYTHING: Pick<FlowRule, "resourceRules" | "nonResourceRules"> = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};

const groups = (...names: string[]) => names.map((name) => ({ kind: "Group", group: { name } }));

export const MANDATORY_LEVELS: readonly PriorityLevelConfiguration[] = [
  {
    metadata: { name: "exempt", annotations },
    spec: { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  },
  {
    metadata: { name: "catch-all", annotations },
    spec: {
      type: "Limited",
      limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" }, lendablePercent: 0 },
    },
  },
];

export const MANDATORY_SCHEMAS: readonly FlowSchema[] = [
  {
    metadata: { name: "exempt", annotations },
    spec: {
      priorityLevelConfiguration: { name: "exempt" },
      matchingPrecedence: 1,
      rules: [{ subjects: groups("system:masters"), ...EVERYTHING }],
    },
  },
  {
    metadata: { name: "catch-all", annotations },
    spec: {
      priorityLevelConfiguration: { name: "catch-all" },
      matchingPrecedence: 10_000,
      distinguisherMethod: { type: "ByUser" },
      rules: [{ subjects: groups("system:unauthenticated", "system:authenticated"), ...EVERYTHING }],
    },
  },
];
