/** Sets of characters in regular expressions, as Go's regexp/syntax knows them. */

/** `test` of one code point. */
export type CharTest = (codePoint: number) => boolean;

const POSIX: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7F",
  blank: "\\t ",
  cntrl: "\\x00-\\x1F\\x7F",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-/:-@[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

const PERL: Readonly<Record<string, string>> = { d: "0-9", s: "\\t\\n\\f\\r ", w: "0-9A-Za-z_" };

/** `[:alpha:]` or `[:^alpha:]`, by what stands between the colons. */
export function posixClass(name: string): CharTest | undefined {
  const negated = name.startsWith("^");
  return classOf(POSIX, negated ? name.slice(1) : name, negated);
}

/** `\d`, `\D` … by the letter. */
export function perlClass(letter: string): CharTest | undefined {
  const lower = letter.toLowerCase();
  return classOf(PERL, lower, letter !== lower);
}

function classOf(classes: Readonly<Record<string, string>>, name: string, negated: boolean): CharTest | undefined {
  const members = Object.hasOwn(classes, name) ? classes[name] : undefined;
  return members === undefined ? undefined : testOf(`[${negated ? "^" : ""}${members}]`);
}

/** `\p{Greek}`, `\pL`, `\P{^Lu}`: a category or a script, by its name. */
export function unicodeClass(name: string, negated: boolean): CharTest | undefined {
  const inverse = name.startsWith("^");
  const bare = inverse ? name.slice(1) : name;
  const not = negated !== inverse;
  if (bare === "Any") return () => !not;
  if (!/^[A-Z][A-Za-z_]*$/.test(bare)) return undefined;
  const property = bare.length <= 2 ? `gc=${bare}` : `sc=${bare}`;
  try {
    return testOf(`\\${not ? "P" : "p"}{${property}}`);
  } catch {
    return undefined;
  }
}

/** The pattern is of this file, never a client's. */
function testOf(pattern: string): CharTest {
  const regexp = new RegExp(`^${pattern}$`, "u");
  return (codePoint) => regexp.test(String.fromCodePoint(codePoint));
}

/** The same letter in another case counts too. */
export function folded(test: CharTest): CharTest {
  return (codePoint) => {
    if (test(codePoint)) return true;
    const char = String.fromCodePoint(codePoint);
    return [char.toLowerCase(), char.toUpperCase()].some((other) => {
      const code = other.codePointAt(0) ?? 0;
      return other !== char && other.length === String.fromCodePoint(code).length && test(code);
    });
  };
}
