/** One statement a write: a conditional INSERT … SELECT … RETURNING. Nothing returned means the write lost. */
import type { SqlValue, Statement } from "./database.ts";
import { isLookedUp } from "./lookup-sql.ts";
import { POLICY_REVISION_SQL } from "./policy-sql.ts";
import type { CompanionWrite, PreparedWrite, WriteCondition, WriteOutcome } from "./storage.ts";

const INSERT = `INSERT INTO log
  (resource, namespace, name, uid, created, previous, deleted, written, form, labels, fields, expires, write_id, value)`;

const CREATE = `${INSERT}
  SELECT ?1, ?2, ?3, ?4, 0,
    coalesce((SELECT t.revision FROM log AS t INDEXED BY log_tombstones
      WHERE t.resource = ?1 AND t.namespace = ?2 AND t.name = ?3 AND t.superseded IS NULL AND t.deleted = 1), 0),
    0, ?5, ?6, ?7, ?8, ?9, ?10, ?11
  WHERE NOT EXISTS (SELECT 1 FROM log AS l INDEXED BY log_live
    WHERE l.resource = ?1 AND l.namespace = ?2 AND l.name = ?3 AND l.superseded IS NULL AND l.deleted = 0)`;

const REPLACE = `${INSERT}
  SELECT h.resource, h.namespace, h.name, h.uid, CASE h.created WHEN 0 THEN h.revision ELSE h.created END, h.revision,
    ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
  FROM log AS h
  WHERE h.revision = ?4 AND h.resource = ?1 AND h.namespace = ?2 AND h.name = ?3
    AND h.superseded IS NULL AND h.deleted = 0`;

const RETURNING = "\n  RETURNING revision";

const NAMESPACE_PHASE = `SELECT coalesce(json_extract(n.fields, '$."status.phase"'), '') FROM log AS n INDEXED BY log_live
  WHERE n.resource = 'namespaces' AND n.namespace = '' AND n.name = ? AND n.superseded IS NULL AND n.deleted = 0`;

const TERMINATING = "Terminating";
const NAMESPACE_ACTIVE = `\n  AND (${NAMESPACE_PHASE}) <> '${TERMINATING}'`;

const TAKEN = `SELECT 1 FROM lookup AS u WHERE u.resource = ? AND u.field = ? AND u.value = ?
    AND NOT (u.resource = ?1 AND u.namespace = ?2 AND u.name = ?3) LIMIT 1`;
const FIELD_UNIQUE = `\n  AND NOT EXISTS (${TAKEN})`;

const HEAD = `SELECT 1 FROM log AS a INDEXED BY log_live
    WHERE a.resource = ? AND a.namespace = ? AND a.name = ? AND a.superseded IS NULL AND a.deleted = 0`;
const ABSENT = `\n  AND NOT EXISTS (${HEAD})`;

const POLICY = `\n  AND (${POLICY_REVISION_SQL}) = ?`;

const SAME_HEAD = `SELECT 1 FROM log AS c INDEXED BY log_live
    WHERE c.resource = ? AND c.namespace = ? AND c.name = ? AND c.superseded IS NULL AND c.deleted = 0
      AND (c.revision = ? OR c.write_id = ?)`;

const STRANGER = `SELECT 1 FROM log AS s INDEXED BY log_live
    WHERE s.resource = ? AND s.namespace = ? AND s.superseded IS NULL AND s.deleted = 0
      AND s.uid NOT IN (SELECT value FROM json_each(?)) LIMIT 1`;
const ONLY = `\n  AND NOT EXISTS (${STRANGER})`;

const REPLACE_LIVE = `${INSERT}
  SELECT h.resource, h.namespace, h.name, h.uid, CASE h.created WHEN 0 THEN h.revision ELSE h.created END, h.revision,
    0, ?4, h.form, h.labels, h.fields, NULL, ?5, ?6
  FROM log AS h INDEXED BY log_live
  WHERE h.resource = ?1 AND h.namespace = ?2 AND h.name = ?3 AND h.superseded IS NULL AND h.deleted = 0`;

const REMOVE = `${INSERT}
  SELECT h.resource, h.namespace, h.name, h.uid, CASE h.created WHEN 0 THEN h.revision ELSE h.created END, h.revision,
    1, ?4, h.form, h.labels, h.fields, NULL, ?5, h.value
  FROM log AS h INDEXED BY log_live
  WHERE h.resource = ?1 AND h.namespace = ?2 AND h.name = ?3 AND h.superseded IS NULL AND h.deleted = 0`;

/** Is the newest row of the write's object the one that it stored? The literals are those of the two partial indexes. */
const leaderStored = (index: "log_live" | "log_tombstones", deleted: 0 | 1) => `
  AND EXISTS (SELECT 1 FROM log AS w INDEXED BY ${index} WHERE w.resource = ? AND w.namespace = ? AND w.name = ?
    AND w.superseded IS NULL AND w.deleted = ${deleted} AND w.write_id = ?)`;
const AFTER_WRITE = leaderStored("log_live", 0);
const AFTER_DELETE = leaderStored("log_tombstones", 1);

const CLAUSES: Readonly<Record<WriteCondition["kind"], string>> = {
  "namespace-active": NAMESPACE_ACTIVE,
  "field-unique": FIELD_UNIQUE,
  absent: ABSENT,
  policy: POLICY,
  head: `\n  AND EXISTS (${SAME_HEAD})`,
  only: ONLY,
};
/** What `reasonStatement` asks of each. */
const QUESTIONS: Readonly<Record<WriteCondition["kind"], string>> = {
  "namespace-active": NAMESPACE_PHASE,
  "field-unique": TAKEN,
  absent: HEAD,
  policy: POLICY_REVISION_SQL,
  head: SAME_HEAD,
  only: STRANGER,
};

const CREATE_PLAIN = CREATE + RETURNING;
const CREATE_IN_NAMESPACE = CREATE + NAMESPACE_ACTIVE + RETURNING;
const CREATE_BESIDE_KNOWN = CREATE + NAMESPACE_ACTIVE + ONLY + RETURNING;
const REPLACE_PLAIN = REPLACE + RETURNING;

/** The statement returns the new revision, or nothing when the write lost. */
export function writeStatement(write: PreparedWrite, writtenMs: number): Statement {
  const { resource, namespace, name, form, writeId, value } = write;
  const row: SqlValue[] = [
    writtenMs,
    form,
    JSON.stringify(write.labels),
    JSON.stringify(write.fields),
    write.expiresMs ?? null,
    writeId,
    value,
  ];
  const conditions = write.conditions ?? [];
  const args =
    write.op === "create"
      ? [resource, namespace, name, write.uid, ...row]
      : [resource, namespace, name, write.expected, write.op === "delete" ? 1 : 0, ...row];
  for (const condition of conditions) args.push(...conditionArgs(condition));
  return { sql: writeSql(write.op, conditions), args, single: true };
}

/** What comes or goes with a write: to be run after its own statement. */
export function companionStatements(write: PreparedWrite, writtenMs: number): Statement[] {
  const after = write.op === "delete" ? AFTER_DELETE : AFTER_WRITE;
  const leader = [write.resource, write.namespace, write.name, write.writeId];
  return (write.companions ?? []).map((companion, at) => {
    const { resource, namespace, name } = companion;
    const writeId = companionWriteId(write, at);
    if (companion.op === "remove") {
      const args = [resource, namespace, name, writtenMs, writeId, ...leader];
      return { sql: REMOVE + after, args, single: true };
    }
    if (companion.op === "update") {
      const args = [resource, namespace, name, writtenMs, writeId, companion.value, ...leader];
      return { sql: REPLACE_LIVE + after, args, single: true };
    }
    const { uid, form, labels, fields, value } = companion;
    const row = [writtenMs, form, JSON.stringify(labels), JSON.stringify(fields), null, writeId, value];
    return { sql: CREATE + after, args: [resource, namespace, name, uid, ...row, ...leader], single: true };
  });
}

/** Never that of a write: a lost answer is looked up by the write's own. */
export function companionWriteId({ writeId }: Pick<PreparedWrite, "writeId">, at: number): string {
  return `${writeId}/${at}`;
}

/** The values that a batch brings with it, by write id; what is removed has none. */
export function valuesOf(writes: readonly PreparedWrite[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const write of writes) {
    values.set(write.writeId, write.value);
    for (const [at, companion] of (write.companions ?? []).entries()) {
      if (companion.op !== "remove") values.set(companionWriteId(write, at), companion.value);
    }
  }
  return values;
}

export function companionCount(writes: readonly { companions?: readonly CompanionWrite[] }[]): number {
  return writes.reduce((sum, { companions }) => sum + (companions?.length ?? 0), 0);
}

/** The usual shapes are constants: their text need not be built and hashed anew for every write. */
function writeSql(op: PreparedWrite["op"], conditions: readonly WriteCondition[]): string {
  if (conditions.length === 0) return op === "create" ? CREATE_PLAIN : REPLACE_PLAIN;
  if (op === "create" && conditions.length === 1 && conditions[0]?.kind === "namespace-active") {
    return CREATE_IN_NAMESPACE;
  }
  const [first, second, ...others] = conditions;
  if (op === "create" && first?.kind === "namespace-active" && second?.kind === "only" && others.length === 0) {
    return CREATE_BESIDE_KNOWN;
  }
  const clauses = conditions.map(({ kind }) => CLAUSES[kind]);
  return (op === "create" ? CREATE : REPLACE) + clauses.join("") + RETURNING;
}

function conditionArgs(condition: WriteCondition): SqlValue[] {
  if (condition.kind === "namespace-active") return [condition.name];
  if (condition.kind === "policy") return [condition.revision];
  if (condition.kind === "absent") return [condition.resource, condition.namespace, condition.name];
  if (condition.kind === "only") return [condition.resource, condition.namespace, JSON.stringify(condition.uids)];
  if (condition.kind === "head") {
    const row = "revision" in condition ? [condition.revision, ""] : [0, condition.writeId];
    return [condition.resource, condition.namespace, condition.name, ...row];
  }
  const { resource, field, value } = condition;
  if (!isLookedUp(resource, field)) throw new TypeError(`${resource} are not looked up by ${field}`);
  return [resource, field, value];
}

/** Asks why a write lost: the live head, then one column for each condition. */
export function reasonStatement(write: PreparedWrite): Statement {
  const conditions = write.conditions ?? [];
  const columns = conditions.map(({ kind }) => `(${QUESTIONS[kind]})`);
  const head = `(SELECT revision FROM log INDEXED BY log_live
    WHERE resource = ?1 AND namespace = ?2 AND name = ?3 AND superseded IS NULL AND deleted = 0)`;
  return {
    sql: `SELECT ${[head, ...columns].join(", ")}`,
    args: [write.resource, write.namespace, write.name, ...conditions.flatMap(questionArgs)],
    single: true,
  };
}

/** Whoever asks for the policy's revision compares it himself. */
function questionArgs(condition: WriteCondition): SqlValue[] {
  return condition.kind === "policy" ? [] : conditionArgs(condition);
}

/**
 * What the answer to `reasonStatement` means. The state may have moved on since the write lost; then the reason is the likeliest
 * one, and the caller tries again anyway.
 */
export function reasonOf(write: PreparedWrite, row: readonly SqlValue[]): WriteOutcome {
  const [head, ...answers] = row;
  if (write.op === "create") {
    if (head !== null) return { ok: false, reason: "exists" };
  } else if (head === null) {
    return { ok: false, reason: "missing" };
  } else if (head !== write.expected) {
    return { ok: false, reason: "conflict" };
  }
  const conditions = write.conditions ?? [];
  for (const [at, condition] of conditions.entries()) {
    const reason = unmet(condition, answers[at] ?? null);
    if (reason) return { ok: false, reason };
  }
  if (conditions.some(({ kind }) => kind === "head")) return { ok: false, reason: "moved" };
  return { ok: false, reason: write.op === "create" ? "exists" : "conflict" };
}

type Unmet = Exclude<(WriteOutcome & { ok: false })["reason"], "quota">;

/** What it means that a condition has this answer; undefined where it holds. */
function unmet(condition: WriteCondition, answer: SqlValue): Unmet | undefined {
  switch (condition.kind) {
    case "policy":
      return answer === condition.revision ? undefined : "policy";
    case "head":
      return answer === null ? "moved" : undefined;
    case "only":
      return answer === null ? undefined : "unexpected";
    case "namespace-active":
      return answer === null ? "namespace-missing" : answer === TERMINATING ? "namespace-terminating" : undefined;
    default:
      return answer === null ? undefined : "taken";
  }
}
