/** By hand: drizzle knows no triggers. See policy-sql.ts for what it serves. What was written before counts as changed last. */
export const sql = `
INSERT INTO state (key, value) SELECT 'policy', seq FROM sqlite_sequence WHERE name = 'log'
--> statement-breakpoint
CREATE TRIGGER policy_changed AFTER INSERT ON log
  WHEN NEW.resource IN ('clusterroles.rbac.authorization.k8s.io', 'clusterrolebindings.rbac.authorization.k8s.io',
    'roles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io')
BEGIN
  UPDATE state SET value = NEW.revision WHERE key = 'policy';
END
`;
