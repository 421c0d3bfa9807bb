/** Blocks of PEM (RFC 7468) in a text, as Go's encoding/pem reads them: what stands between blocks is passed over. */
import { fromBase64 } from "./base64.ts";

export interface PemBlock {
  /** "CERTIFICATE" */
  type: string;
  /** Lines of `name: value` before the content, which hardly anybody writes any more. */
  hasHeaders: boolean;
  bytes: Uint8Array;
}

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";

/** Blocks whose end does not match, or whose content is no base64, are no blocks. Takes time in proportion to the text. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let at = 0;
  for (;;) {
    const begin = lineStart(text, BEGIN, at);
    const end = begin < 0 ? -1 : lineStart(text, END, begin);
    if (end < 0) return blocks;
    at = end + END.length;
    const first = lineAt(text, begin);
    const type = typeOf(first, BEGIN);
    if (type === undefined || typeOf(lineAt(text, end), END) !== type) continue;
    const block = blockOf(type, text.slice(begin + first.length, end));
    if (block) blocks.push(block);
  }
}

/** Where a line begins with `prefix`; -1 for nowhere. */
function lineStart(text: string, prefix: string, from: number): number {
  for (let at = text.indexOf(prefix, from); at >= 0; at = text.indexOf(prefix, at + 1)) {
    if (at === 0 || text[at - 1] === "\n") return at;
  }
  return -1;
}

function lineAt(text: string, from: number): string {
  const end = text.indexOf("\n", from);
  return text.slice(from, end < 0 ? undefined : end);
}

function typeOf(line: string, prefix: string): string | undefined {
  const trimmed = line.trimEnd();
  return trimmed.endsWith(DASHES) && trimmed.length >= prefix.length + DASHES.length
    ? trimmed.slice(prefix.length, -DASHES.length)
    : undefined;
}

function blockOf(type: string, content: string): PemBlock | undefined {
  const lines = content.split("\n").slice(1);
  let headers = 0;
  while (lines[headers]?.includes(":")) headers += 1;
  try {
    const bytes = fromBase64(lines.slice(headers).join("").replaceAll(/\s/g, ""));
    return { type, hasHeaders: headers > 0, bytes };
  } catch {
    return undefined;
  }
}
