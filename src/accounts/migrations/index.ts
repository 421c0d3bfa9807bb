/** Every migration of the accounts' database, oldest first. Append only: what has been released is never edited. */
import type { Migration } from "../../storage/migrations/index.ts";
import { sql as accounts } from "./0000-accounts.ts";
import { sql as issuers } from "./0001-issuers.ts";
import { sql as attempts } from "./0002-attempts.ts";
import { sql as leftOver } from "./0003-left-over.ts";
import { sql as revocations } from "./0004-revocations.ts";

export const accountsMigrations: readonly Migration[] = [
  { version: 1, name: "accounts", sql: accounts },
  { version: 2, name: "issuers", sql: issuers },
  { version: 3, name: "attempts", sql: attempts },
  { version: 4, name: "left-over", sql: leftOver },
  { version: 5, name: "revocations", sql: revocations },
];
