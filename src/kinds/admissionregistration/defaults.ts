/** Defaults of what admission is told: pkg/apis/admissionregistration/v1/defaults.go of Kubernetes. All functions change their argument. */
import type { MatchResources, RuleWithOperations, Webhook } from "./types.ts";

const SERVICE_PORT = 443;
const TIMEOUT_SECONDS = 10;

export function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= "Fail";
  webhook.matchPolicy ??= "Equivalent";
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= TIMEOUT_SECONDS;
  defaultRules(webhook.rules);
  if (webhook.clientConfig.service) webhook.clientConfig.service.port ??= SERVICE_PORT;
}

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= "Equivalent";
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

function defaultRules(rules: readonly RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= "*";
}
