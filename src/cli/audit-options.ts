/** What `gantry up` is told of the audit log. */
import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import { DEFAULT_AUDIT_CONFIG, type AuditConfig } from "../audit/audit.ts";
import { policyFault } from "../audit/policy-fault.ts";
import type { AuditPolicy } from "../audit/policy.ts";
import { StartupError } from "../platform/node/server.ts";

const DAY_MS = 24 * 3_600_000;

/** `auditPolicyFile`: an audit.k8s.io/v1 Policy, as kube-apiserver takes it. @throws StartupError when it is none */
export async function auditConfigOf(options: {
  auditPolicyFile?: string;
  auditRetentionDays: number;
}): Promise<AuditConfig> {
  const { auditPolicyFile: file, auditRetentionDays } = options;
  const limits = { ...DEFAULT_AUDIT_CONFIG.limits, retentionMs: auditRetentionDays * DAY_MS };
  return { policy: file === undefined ? DEFAULT_AUDIT_CONFIG.policy : await readPolicy(file), limits };
}

async function readPolicy(file: string): Promise<AuditPolicy> {
  let policy: unknown;
  try {
    policy = load(await readFile(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`cannot read the audit policy ${file}: ${reason}`, { cause: error });
  }
  const fault = policyFault(policy);
  if (fault !== undefined) throw new StartupError(`${file} is no audit policy: ${fault}`);
  return policy as AuditPolicy;
}
