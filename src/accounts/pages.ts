/** Lists in pages, in the order in which their items were made. A cursor says where to go on, and nothing about whose list it is. */
import { AccountsError } from "./accounts.ts";
import { base64Url } from "./secrets.ts";

export const PAGE_DEFAULT = 50;
export const PAGE_MAX = 100;

export interface Page<T> {
  items: T[];
  /** Null at the end. */
  next: string | null;
}

export interface PageQuery {
  limit: number;
  /** After this one, exclusive. */
  after: { createdMs: number; id: string };
}

const BEGINNING = { createdMs: -1, id: "" };

/** @throws AccountsError "invalid" */
export function pageQuery({ limit, cursor }: { limit?: string | undefined; cursor?: string | undefined }): PageQuery {
  const count = limit === undefined ? PAGE_DEFAULT : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > PAGE_MAX)
    throw new AccountsError("invalid", `limit is a number from 1 to ${PAGE_MAX}`);
  return { limit: count, after: cursor === undefined ? BEGINNING : parseCursor(cursor) };
}

/** `rows`: one more than the limit where more follow. */
export function pageOf<T>(rows: readonly T[], { limit }: PageQuery, at: (item: T) => PageQuery["after"]): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(at(last)) : null };
}

export function cursorOf({ createdMs, id }: PageQuery["after"]): string {
  return base64Url(new TextEncoder().encode(`${createdMs} ${id}`));
}

function parseCursor(cursor: string): PageQuery["after"] {
  const match = /^(\d{1,15}) ([\w-]{1,64})$/.exec(decode(cursor));
  if (!match) throw new AccountsError("invalid", "the cursor is none that was given out");
  return { createdMs: Number(match[1]), id: match[2] ?? "" };
}

function decode(cursor: string): string {
  if (cursor.length > 200) return "";
  try {
    return atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return "";
  }
}
