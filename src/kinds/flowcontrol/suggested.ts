/** What an API server adds of itself and anybody may change: k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap. */
import type { FlowRule, FlowSchema, FlowSubject, PriorityLevelConfiguration } from "./types.ts";

/** Whoever changes it to "false" keeps their own specification. */
const annotations = { "apf.kubernetes.io/autoupdate-spec": "true" };

type Queuing = { queues: number; handSize: number };

function level(
  name: string,
  { shares, lendablePercent, queuing }: { shares: number; lendablePercent: number; queuing: Queuing },
): PriorityLevelConfiguration {
  return {
    metadata: { name, annotations },
    spec: {
      type: "Limited",
      limited: {
        nominalConcurrencyShares: shares,
        lendablePercent,
        limitResponse: { type: "Queue", queuing: { ...queuing, queueLengthLimit: 50 } },
      },
    },
  };
}

const SMALL = { queues: 16, handSize: 4 };
const MIDDLE = { queues: 64, handSize: 6 };
const LARGE = { queues: 128, handSize: 6 };

export const SUGGESTED_LEVELS: readonly PriorityLevelConfiguration[] = [
  level("system", { shares: 30, lendablePercent: 33, queuing: MIDDLE }),
  level("node-high", { shares: 40, lendablePercent: 25, queuing: MIDDLE }),
  level("leader-election", { shares: 10, lendablePercent: 0, queuing: SMALL }),
  level("workload-high", { shares: 40, lendablePercent: 50, queuing: LARGE }),
  level("workload-low", { shares: 100, lendablePercent: 90, queuing: LARGE }),
  level("global-default", { shares: 20, lendablePercent: 50, queuing: LARGE }),
];

const groups = (...names: string[]) => names.map((name): FlowSubject => ({ kind: "Group", group: { name } }));
const users = (...names: string[]) => names.map((name): FlowSubject => ({ kind: "User", user: { name } }));
const SYSTEM_ACCOUNTS: FlowSubject = {
  kind: "ServiceAccount",
  serviceAccount: { namespace: "kube-system", name: "*" },
};

type ResourceRule = NonNullable<FlowRule["resourceRules"]>[number];
const resource = (rule: Partial<ResourceRule>): ResourceRule => ({
  verbs: ["*"],
  apiGroups: ["*"],
  resources: ["*"],
  namespaces: ["*"],
  ...rule,
});
const EVERYTHING: Omit<FlowRule, "subjects"> = {
  resourceRules: [resource({ clusterScope: true })],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};
const LEASES = { apiGroups: ["coordination.k8s.io"], resources: ["leases"] };
const ANYBODY = groups("system:unauthenticated", "system:authenticated");

interface Schema {
  level: string;
  precedence: number;
  by?: "ByUser" | "ByNamespace";
  rule: FlowRule;
}

function schema(name: string, { level: to, precedence, by, rule }: Schema): FlowSchema {
  return {
    metadata: { name, annotations },
    spec: {
      priorityLevelConfiguration: { name: to },
      matchingPrecedence: precedence,
      ...(by ? { distinguisherMethod: { type: by } } : {}),
      rules: [rule],
    },
  };
}

export const SUGGESTED_SCHEMAS: readonly FlowSchema[] = [
  schema("probes", {
    level: "exempt",
    precedence: 2,
    rule: {
      subjects: ANYBODY,
      nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
    },
  }),
  schema("system-leader-election", {
    level: "leader-election",
    precedence: 100,
    by: "ByUser",
    rule: {
      subjects: [...users("system:kube-controller-manager", "system:kube-scheduler"), SYSTEM_ACCOUNTS],
      resourceRules: [resource({ verbs: ["get", "create", "update"], ...LEASES })],
    },
  }),
  schema("system-node-high", {
    level: "node-high",
    precedence: 400,
    by: "ByUser",
    rule: {
      subjects: groups("system:nodes"),
      resourceRules: [
        resource({ apiGroups: [""], resources: ["nodes", "nodes/status"], clusterScope: true }),
        resource(LEASES),
      ],
    },
  }),
  schema("system-nodes", {
    level: "system",
    precedence: 500,
    by: "ByUser",
    rule: { subjects: groups("system:nodes"), ...EVERYTHING },
  }),
  schema("kube-controller-manager", {
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    rule: { subjects: users("system:kube-controller-manager"), ...EVERYTHING },
  }),
  schema("kube-scheduler", {
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    rule: { subjects: users("system:kube-scheduler"), ...EVERYTHING },
  }),
  schema("kube-system-service-accounts", {
    level: "workload-high",
    precedence: 900,
    by: "ByNamespace",
    rule: { subjects: [SYSTEM_ACCOUNTS], ...EVERYTHING },
  }),
  schema("service-accounts", {
    level: "workload-low",
    precedence: 9000,
    by: "ByUser",
    rule: { subjects: groups("system:serviceaccounts"), ...EVERYTHING },
  }),
  schema("global-default", {
    level: "global-default",
    precedence: 9900,
    by: "ByUser",
    rule: { subjects: ANYBODY, ...EVERYTHING },
  }),
];
