/** Brings a database to the schema this code knows. */
import type { Database, Statement } from "./database.ts";
import { StorageError } from "./errors.ts";
import { migrations, type Migration } from "./migrations/index.ts";

const BREAKPOINT = "--> statement-breakpoint";

/**
 * Applies what is missing, each migration in a batch of its own that also records its version; to a new database all of them in one, since a
 * new cluster waits for it. Two that start at once are harmless:
 * the version is a primary key, so the loser's batch fails whole and it looks again. A database that is one version ahead is
 * accepted (a newer release runs beside this one).
 * @throws StorageError "unavailable"
 */
export async function migrate(
  database: Database,
  options: { migrations?: readonly Migration[] } = {},
): Promise<{ version: number }> {
  const known = options.migrations ?? migrations;
  const newest = known.at(-1)?.version ?? 0;
  let version = await schemaVersion(database);
  if (version === 0) version = await applyAll(database, known);
  for (const migration of known) {
    if (migration.version <= version) continue;
    try {
      await apply(database, migration);
      version = migration.version;
    } catch (cause) {
      version = await schemaVersion(database);
      if (version < migration.version) {
        throw new StorageError("unavailable", `migration ${migration.version} (${migration.name}) failed`, { cause });
      }
    }
  }
  if (version > newest + 1) {
    throw new StorageError("unavailable", `the database has schema ${version}, this release knows ${newest}`);
  }
  return { version };
}

/** 0 for a new database. In one round trip for any other, since each isolate and object of a cluster begins with it. */
export async function schemaVersion(database: Database): Promise<number> {
  try {
    return await recordedVersion(database);
  } catch {
    const [table] = await database.batch(
      [{ sql: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'" }],
      "read",
    );
    // Where it is there now, another start made it meanwhile; whatever else was wrong will be again.
    return table?.rows[0]?.[0] === 0 ? 0 : await recordedVersion(database);
  }
}

async function recordedVersion(database: Database): Promise<number> {
  const [version] = await database.batch([{ sql: "SELECT coalesce(max(version), 0) FROM schema_version" }], "read");
  return Number(version?.rows[0]?.[0] ?? 0);
}

/** Resolves with the version then: what cannot be applied at once is told by the one migration that fails. */
async function applyAll(database: Database, known: readonly Migration[]): Promise<number> {
  try {
    await database.batch(known.flatMap(statementsOf), "write");
    return known.at(-1)?.version ?? 0;
  } catch {
    return await schemaVersion(database);
  }
}

async function apply(database: Database, migration: Migration): Promise<void> {
  await database.batch(statementsOf(migration), "write");
}

function statementsOf({ version, name, sql }: Migration): Statement[] {
  const statements = sql
    .split(BREAKPOINT)
    .map((one) => ({ sql: one.trim() }))
    .filter((one) => one.sql !== "");
  return [
    { sql: "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY NOT NULL, name text NOT NULL)" },
    { sql: "INSERT INTO schema_version (version, name) VALUES (?, ?)", args: [version, name] },
    ...statements,
  ];
}
