/**
 * What authorization goes by, and the revision at which any of it was last changed: one small row that a trigger keeps, so that a read of
 * anything can bring it along and a write can hold on to it. See decisions/0012.
 */
import type { Statement } from "./database.ts";
import { OBJECT_COLUMNS } from "./rows.ts";

/** The trigger of the migration says the same. */
export const POLICY_RESOURCES = [
  "clusterroles.rbac.authorization.k8s.io",
  "clusterrolebindings.rbac.authorization.k8s.io",
  "roles.rbac.authorization.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
] as const;

const RESOURCES: ReadonlySet<string> = new Set(POLICY_RESOURCES);

export function isPolicy({ resource }: { resource: string }): boolean {
  return RESOURCES.has(resource);
}

export const POLICY_REVISION_SQL = "SELECT value FROM state WHERE key = 'policy'";
export const POLICY_REVISION: Statement = { sql: POLICY_REVISION_SQL, single: true };

const OF_POLICY = `resource IN (${POLICY_RESOURCES.map((resource) => `'${resource}'`).join(", ")}) AND superseded IS NULL`;
const LIVE = `SELECT ${OBJECT_COLUMNS} FROM log INDEXED BY log_live WHERE ${OF_POLICY} AND deleted = 0`;
const GONE = `SELECT resource, namespace, name FROM log INDEXED BY log_tombstones WHERE ${OF_POLICY} AND deleted = 1`;

export const POLICY_OBJECTS: Statement = { sql: LIVE };

/** Both indexes have the revision: rows that did not change are told by them alone. */
export function policyChangesSince(since: number): [live: Statement, gone: Statement] {
  return [
    { sql: `${LIVE} AND revision > ?`, args: [since] },
    { sql: `${GONE} AND revision > ?`, args: [since] },
  ];
}
