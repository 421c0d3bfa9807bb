/** Pages and parts of them that several of the node's pages share. */
import type { Readable } from "node:stream";

export interface Page {
  status: number;
  type: string;
  /** A stream is read once, and destroyed when nobody reads it any more. */
  body: string | Readable;
}

export interface PageRequest {
  method: string;
  /** Percent-encoded, without the query. */
  path: string;
  query: URLSearchParams;
}

export const TEXT = "text/plain; charset=utf-8";
export const NOT_FOUND: Page = { status: 404, type: TEXT, body: "404 page not found\n" };
