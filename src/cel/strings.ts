/** The values of string and bytes literals: cel-go's parser/unescape.go. */

export class EscapeError extends Error {}

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
  "`": 96,
  "?": 63,
};

/** `token` with its quotes. @throws EscapeError */
export function stringValue(token: string): string {
  const { body, isRaw } = unquoted(token);
  if (isRaw || !body.includes("\\")) return body;
  return body.replace(ESCAPE, (_, ...groups: string[]) => {
    const code = codeOf(groups);
    if (code === undefined || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      throw new EscapeError("unable to unescape string");
    return String.fromCodePoint(code);
  });
}

/** Hexadecimal and octal escapes are bytes, other text is UTF-8. @throws EscapeError */
export function bytesValue(token: string): Uint8Array {
  const { body, isRaw } = unquoted(token.slice(1));
  const encoder = new TextEncoder();
  if (isRaw || !body.includes("\\")) return encoder.encode(body);
  const bytes: number[] = [];
  let from = 0;
  for (const found of body.matchAll(ESCAPE)) {
    bytes.push(...encoder.encode(body.slice(from, found.index)));
    const code = codeOf(found.slice(1));
    if (code === undefined || code > 255) throw new EscapeError("unable to unescape string");
    bytes.push(code);
    from = found.index + found[0].length;
  }
  return Uint8Array.from([...bytes, ...encoder.encode(body.slice(from))]);
}

const ESCAPE = /\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]))/g;

function codeOf([byte, short, long, octal, letter]: (string | undefined)[]): number | undefined {
  const hex = byte ?? short ?? long;
  if (hex !== undefined) return parseInt(hex, 16);
  return octal === undefined ? ESCAPES[letter ?? ""] : parseInt(octal, 8);
}

function unquoted(token: string): { body: string; isRaw: boolean } {
  const isRaw = /^[rR]/.test(token);
  const quoted = isRaw ? token.slice(1) : token;
  const long = quoted.length >= 6 && (quoted.startsWith('"""') || quoted.startsWith("'''"));
  const quotes = long ? 3 : 1;
  const body = quoted.slice(quotes, -quotes);
  return { body: isRaw ? body : body.replaceAll("\r\n", "\n").replaceAll("\r", "\n"), isRaw };
}
