/** The audit log of one cluster: what is recorded, the way into the database, and back. */
import type { Database } from "../storage/database.ts";
import { createAuditStore, DEFAULT_AUDIT_LIMITS, type AuditLimits, type AuditStore } from "./audit-store.ts";
import { createAuditTrail, type AuditTrail, type AuditTrailDeps } from "./audit-trail.ts";
import { DEFAULT_AUDIT_POLICY, type AuditPolicy } from "./policy.ts";

export interface AuditConfig {
  policy: AuditPolicy;
  limits: AuditLimits;
}

export const DEFAULT_AUDIT_CONFIG: AuditConfig = { policy: DEFAULT_AUDIT_POLICY, limits: DEFAULT_AUDIT_LIMITS };

export interface Audit {
  policy: AuditPolicy;
  trail: AuditTrail;
  store: AuditStore;
}

export function createAudit(
  deps: { database: Database } & Omit<AuditTrailDeps, "store">,
  { policy, limits }: AuditConfig,
): Audit {
  const store = createAuditStore({ ...deps, limits });
  return { policy, store, trail: createAuditTrail({ ...deps, store }) };
}
