/** Every migration of the accounts' database, oldest first. Append only: what has been released is never edited. */
import type { Migration } from "../../storage/migrations/index.ts";
import { sql as accounts } from "./0000-accounts.ts";
import { sql as issuers } from "./0001-issuers.ts";

export const accountsMigrations: readonly Migration[] = [
  { version: 1, name: "accounts", sql: accounts },
  { version: 2, name: "issuers", sql: issuers },
];
