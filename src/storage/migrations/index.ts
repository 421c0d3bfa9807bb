/** Every migration, oldest first. Append only: what has been released is never edited. */
import { sql as log } from "./0000-log.ts";
import { sql as lookups } from "./0001-lookups.ts";
import { sql as labelsInIndex } from "./0002-labels-in-index.ts";
import { sql as policy } from "./0003-policy.ts";
import { sql as audit } from "./0004-audit.ts";
import { sql as podNetworks } from "./0005-pod-networks.ts";

export interface Migration {
  /** Counts from 1. */
  version: number;
  name: string;
  /** Statements separated by drizzle-kit's breakpoint. */
  sql: string;
}

export const migrations: readonly Migration[] = [
  { version: 1, name: "log", sql: log },
  { version: 2, name: "lookups", sql: lookups },
  { version: 3, name: "labels-in-index", sql: labelsInIndex },
  { version: 4, name: "policy", sql: policy },
  { version: 5, name: "audit", sql: audit },
  { version: 6, name: "pod-networks", sql: podNetworks },
];
