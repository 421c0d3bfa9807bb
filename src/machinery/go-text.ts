/**
 * Values as Go prints them: messages of Kubernetes' API quote strings with `%q`, show values as JSON and patches with `%v`.
 * Clients and tests compare these texts.
 */

/** What Go's strconv.IsPrint refuses: controls, unassigned code points, and every space but the ASCII one. */
const UNPRINTABLE = /[\p{C}\p{Z}"\\]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** Most texts, to be told at once. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** `%q`, strconv.Quote. */
export function goQuote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return `"${text.toWellFormed().replace(UNPRINTABLE, escaped)}"`;
}

function escaped(char: string): string {
  if (char === " ") return char;
  const short = SHORT_ESCAPES[char];
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** json.Marshal: like JSON.stringify, but safe inside of HTML. An undefined value is null. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** More of a value helps nobody, and it is told once for each fault. */
const SHOWN_VALUES_MAX = 2_000;
const SHOWN_CHARACTERS_MAX = 16 * 1024;

/** A value in a message: strings as `%q`, the rest as JSON. Of a very long one the beginning. */
export function goShown(value: unknown): string {
  if (typeof value === "string") {
    return value.length > SHOWN_CHARACTERS_MAX
      ? `${goQuote(value.slice(0, SHOWN_CHARACTERS_MAX))} ...`
      : goQuote(value);
  }
  const left = { values: SHOWN_VALUES_MAX };
  const text = goJson(typeof value === "object" ? beginningOf(value, left) : value);
  const isCut = left.values <= 0 || text.length > SHOWN_CHARACTERS_MAX;
  return isCut ? `${text.slice(0, SHOWN_CHARACTERS_MAX)} ...` : text;
}

/** The same value when there are no more values in it than are left. */
function beginningOf(value: unknown, left: { values: number }): unknown {
  left.values -= 1;
  if (typeof value !== "object" || value === null || isRaw(value)) return value;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) {
      if (left.values <= 0) break;
      items.push(beginningOf(item, left));
    }
    return items;
  }
  const members: Record<string, unknown> = {};
  for (const name in value) {
    if (left.values <= 0) break;
    members[name] = beginningOf((value as Record<string, unknown>)[name], left);
  }
  return members;
}

/** `%v` of a decoded JSON value: `map[a:1 b:[x y]]`. Of a very long one the beginning. */
export function goValue(value: unknown): string {
  const left = { values: SHOWN_VALUES_MAX };
  const text = valueText(typeof value === "object" ? beginningOf(value, left) : value);
  return left.values <= 0 ? `${text} ...` : text;
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(valueText).join(" ")}]`;
  if (typeof value === "number") return goNumber(value);
  if (typeof value === "string") return value;
  if (typeof value !== "object") return value === true ? "true" : "false";
  if (isRaw(value)) return value.rawJSON;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `map[${members.map(([key, member]) => `${key}:${valueText(member)}`).join(" ")}]`;
}

/** A number that JSON.rawJSON keeps exact. */
function isRaw(value: object): value is { readonly rawJSON: string } {
  return "rawJSON" in value && Object.getPrototypeOf(value) === null;
}

/** Integers in full; exponents with two digits at least. */
function goNumber(value: number): string {
  if (Object.is(value, -0)) return "0";
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}
