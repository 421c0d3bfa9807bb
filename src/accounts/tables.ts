/** The tables of the accounts' database. People, sessions, logins and verifications are better-auth's; their columns follow its schema. */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

const time = (name: string) => integer(name, { mode: "timestamp_ms" });

export const peopleTable = sqliteTable(
  "people",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    email: text("email").notNull(),
    emailVerified: integer("email_verified", { mode: "boolean" }).notNull(),
    image: text("image"),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [uniqueIndex("people_email").on(table.email)],
);

export const sessionsTable = sqliteTable(
  "sessions",
  {
    id: text("id").primaryKey(),
    userId: text("person").notNull(),
    token: text("token").notNull(),
    expiresAt: time("expires_at").notNull(),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [uniqueIndex("sessions_token").on(table.token), index("sessions_person").on(table.userId)],
);

/** How a person logs in: by password, by GitHub. */
export const loginsTable = sqliteTable(
  "logins",
  {
    id: text("id").primaryKey(),
    userId: text("person").notNull(),
    accountId: text("account_id").notNull(),
    providerId: text("provider_id").notNull(),
    accessToken: text("access_token"),
    refreshToken: text("refresh_token"),
    idToken: text("id_token"),
    accessTokenExpiresAt: time("access_token_expires_at"),
    refreshTokenExpiresAt: time("refresh_token_expires_at"),
    scope: text("scope"),
    password: text("password"),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [
    index("logins_person").on(table.userId),
    uniqueIndex("logins_account").on(table.providerId, table.accountId),
  ],
);

export const verificationsTable = sqliteTable(
  "verifications",
  {
    id: text("id").primaryKey(),
    identifier: text("identifier").notNull(),
    value: text("value").notNull(),
    expiresAt: time("expires_at").notNull(),
    createdAt: time("created_at").notNull(),
    updatedAt: time("updated_at").notNull(),
  },
  (table) => [index("verifications_identifier").on(table.identifier)],
);

export const organisationsTable = sqliteTable("organisations", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  createdMs: integer("created_ms").notNull(),
});

export const membersTable = sqliteTable(
  "members",
  {
    organisation: text("organisation").notNull(),
    person: text("person").notNull(),
    role: text("role").notNull(),
    createdMs: integer("created_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.organisation, table.person] }), index("members_person").on(table.person)],
);

export const invitationsTable = sqliteTable(
  "invitations",
  {
    id: text("id").primaryKey(),
    organisation: text("organisation").notNull(),
    email: text("email").notNull(),
    role: text("role").notNull(),
    /** SHA-256 in hex. */
    hash: text("hash").notNull(),
    invitedBy: text("invited_by").notNull(),
    createdMs: integer("created_ms").notNull(),
    expiresMs: integer("expires_ms").notNull(),
  },
  (table) => [
    uniqueIndex("invitations_hash").on(table.hash),
    index("invitations_organisation").on(table.organisation, table.createdMs, table.id),
  ],
);

export const clustersTable = sqliteTable(
  "clusters",
  {
    id: text("id").primaryKey(),
    organisation: text("organisation").notNull(),
    name: text("name").notNull(),
    state: text("state").notNull(),
    createdMs: integer("created_ms").notNull(),
    changedMs: integer("changed_ms").notNull(),
    /** JSON of an AuthenticationConfiguration: issuers outside that the cluster believes. */
    authentication: text("authentication"),
    /** Of the Idempotency-Key that it was asked for with, and of who asked: SHA-256 in hex. */
    creationKey: text("creation_key"),
  },
  (table) => [
    uniqueIndex("clusters_name").on(table.organisation, table.name),
    index("clusters_unfinished")
      .on(table.changedMs)
      .where(sql`state <> 'ready'`),
  ],
);

/** Removed a while ago: a creation that was cut off late may yet have made a database of this id. */
export const removedClustersTable = sqliteTable(
  "removed_clusters",
  { id: text("id").primaryKey(), removedMs: integer("removed_ms").notNull() },
  (table) => [index("removed_clusters_removed").on(table.removedMs)],
);

export const tokensTable = sqliteTable(
  "tokens",
  {
    id: text("id").primaryKey(),
    /** SHA-256 in hex. */
    hash: text("hash").notNull(),
    kind: text("kind").notNull(),
    name: text("name").notNull(),
    person: text("person").notNull(),
    organisation: text("organisation"),
    cluster: text("cluster"),
    role: text("role").notNull(),
    createdMs: integer("created_ms").notNull(),
    expiresMs: integer("expires_ms"),
    lastUsedMs: integer("last_used_ms"),
  },
  (table) => [
    uniqueIndex("tokens_hash").on(table.hash),
    index("tokens_person").on(table.person),
    index("tokens_organisation").on(table.organisation),
    index("tokens_cluster").on(table.cluster),
  ],
);

/** What clusters have not been told of yet: see disconnect.ts. */
export const revocationsTable = sqliteTable(
  "revocations",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** Of one revocation, which may be of several organisations. */
    note: text("note").notNull(),
    /** Id of a token; null: of the person, whatever they have come with. */
    credential: text("credential"),
    person: text("person").notNull(),
    organisation: text("organisation"),
    cluster: text("cluster"),
    madeMs: integer("made_ms").notNull(),
  },
  (table) => [index("revocations_note").on(table.note)],
);

/** Answers to creates that named an Idempotency-Key. */
export const idempotencyKeysTable = sqliteTable(
  "idempotency_keys",
  {
    /** Of whoever called and their key: SHA-256 in hex. */
    key: text("key").primaryKey(),
    /** Of the request: SHA-256 in hex. */
    request: text("request").notNull(),
    createdMs: integer("created_ms").notNull(),
    /** Null while the first call is under way. */
    status: integer("status"),
    body: text("body"),
  },
  (table) => [index("idempotency_keys_created").on(table.createdMs)],
);

/** How often something was tried in its window: see api/attempts.ts. */
export const attemptsTable = sqliteTable(
  "attempts",
  {
    /** SHA-256 in hex. */
    key: text("key").primaryKey(),
    count: integer("count").notNull(),
    endsMs: integer("ends_ms").notNull(),
  },
  (table) => [index("attempts_ends").on(table.endsMs)],
);
