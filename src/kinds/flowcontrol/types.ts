/** Kinds of flowcontrol.apiserver.k8s.io (k8s.io/api/flowcontrol/v1). */
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";

const at = { group: "flowcontrol.apiserver.k8s.io", version: "v1", namespaced: false };
export const flowSchemas: ResourceRef = { ...at, resource: "flowschemas" };
export const priorityLevelConfigurations: ResourceRef = { ...at, resource: "prioritylevelconfigurations" };

export interface FlowSubject {
  kind: string;
  user?: { name: string };
  group?: { name: string };
  serviceAccount?: { namespace: string; name: string };
}

export interface FlowRule {
  subjects?: FlowSubject[];
  resourceRules?: {
    verbs?: string[];
    apiGroups?: string[];
    resources?: string[];
    clusterScope?: boolean;
    namespaces?: string[];
  }[];
  nonResourceRules?: { verbs?: string[]; nonResourceURLs?: string[] }[];
}

export interface FlowCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string | null;
}

interface Status {
  conditions?: FlowCondition[];
}

export interface FlowSchema extends KubeObject {
  spec: {
    priorityLevelConfiguration: { name: string };
    matchingPrecedence?: number;
    distinguisherMethod?: { type: string };
    rules?: FlowRule[];
  };
  status?: Status;
}

export interface PriorityLevelConfiguration extends KubeObject {
  spec: {
    type: string;
    limited?: {
      nominalConcurrencyShares?: number;
      limitResponse?: {
        type: string;
        queuing?: { queues?: number; handSize?: number; queueLengthLimit?: number };
      };
      lendablePercent?: number;
      borrowingLimitPercent?: number;
    };
    exempt?: { nominalConcurrencyShares?: number; lendablePercent?: number };
  };
  status?: Status;
}
