/** Kinds of admissionregistration.k8s.io (k8s.io/api/admissionregistration/v1). */
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";

const at = { group: "admissionregistration.k8s.io", version: "v1", namespaced: false };
export const validatingWebhookConfigurations: ResourceRef = { ...at, resource: "validatingwebhookconfigurations" };
export const mutatingWebhookConfigurations: ResourceRef = { ...at, resource: "mutatingwebhookconfigurations" };
export const validatingAdmissionPolicies: ResourceRef = { ...at, resource: "validatingadmissionpolicies" };

export interface RuleWithOperations {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  scope?: string;
}

export interface NamedRule extends RuleWithOperations {
  resourceNames?: string[];
}

export interface MatchCondition {
  name: string;
  expression: string;
}

export interface ServiceReference {
  namespace: string;
  name: string;
  path?: string;
  port?: number;
}

export interface Webhook {
  name: string;
  clientConfig: { url?: string; service?: ServiceReference; caBundle?: string };
  rules?: RuleWithOperations[];
  failurePolicy?: string;
  matchPolicy?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  sideEffects?: string;
  timeoutSeconds?: number;
  admissionReviewVersions?: string[];
  /** Of mutating webhooks. */
  reinvocationPolicy?: string;
  matchConditions?: MatchCondition[];
}

export interface WebhookConfiguration extends KubeObject {
  webhooks?: Webhook[];
}

export interface MatchResources {
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  resourceRules?: NamedRule[];
  excludeResourceRules?: NamedRule[];
  matchPolicy?: string;
}

export interface ParamKind {
  apiVersion?: string;
  kind?: string;
}

export interface ParamRef {
  name?: string;
  namespace?: string;
  selector?: LabelSelector;
  parameterNotFoundAction?: string;
}

export interface PolicySpec {
  paramKind?: ParamKind;
  matchConstraints?: MatchResources;
  failurePolicy?: string;
  matchConditions?: MatchCondition[];
  variables?: { name: string; expression: string }[];
}

export interface ValidatingAdmissionPolicy extends KubeObject {
  spec: PolicySpec & {
    validations?: { expression: string; message?: string; reason?: string; messageExpression?: string }[];
    auditAnnotations?: { key: string; valueExpression: string }[];
  };
  status?: { observedGeneration?: number; typeChecking?: unknown; conditions?: unknown[] };
}

export interface MutatingAdmissionPolicy extends KubeObject {
  spec: PolicySpec & {
    mutations?: {
      patchType: string;
      applyConfiguration?: { expression?: string };
      jsonPatch?: { expression?: string };
    }[];
    reinvocationPolicy?: string;
  };
}

export interface PolicyBinding extends KubeObject {
  spec: {
    policyName?: string;
    paramRef?: ParamRef;
    matchResources?: MatchResources;
    /** Of validating policies. */
    validationActions?: string[];
  };
}
