/**
 * The grammar of selectors in query strings, after k8s.io/apimachinery/pkg/labels and pkg/fields; what they match is in
 * selectors.ts.
 */
import { labelValueFaults, qualifiedNameFaults } from "./names.ts";
import type { FieldRequirement, LabelRequirement } from "./selectors.ts";
import { badRequest, fieldError } from "./status-error.ts";

/** A selector becomes one statement, and SQLite takes no expression of more than 1,000 levels; Kubernetes has no such limit. */
const REQUIREMENTS_MAX = 500;

/** Of one selector. */
const VALUES_MAX = 10_000;

function assertWithin(count: number, max: number, what: string): void {
  if (count > max) throw badRequest(`the selector has too many ${what}: must have at most ${max}`);
}

type Token = { kind: "symbol" | "word" | "end"; text: string };

const SPACES = /\s+/y;
const SYMBOL = /!=|==|[=!(),<>]/y;
const WORD = /[^=!(),<>\s]+/y;
const BINARY_OPERATORS = "in, notin, =, ==, !=, gt, lt";

function* tokens(text: string): Generator<Token, void> {
  for (let at = 0; at < text.length;) {
    SPACES.lastIndex = at;
    at += SPACES.exec(text)?.[0].length ?? 0;
    if (at >= text.length) return;
    SYMBOL.lastIndex = at;
    WORD.lastIndex = at;
    const symbol = SYMBOL.exec(text)?.[0];
    const matched = symbol ?? WORD.exec(text)?.[0] ?? "";
    at += matched.length;
    yield { kind: symbol === undefined ? "word" : "symbol", text: matched };
  }
}

class LabelSelectorParser {
  private readonly tokens: Iterator<Token, void>;
  /** Looked at and not taken. */
  private next: Token | undefined;

  constructor(text: string) {
    this.tokens = tokens(text);
  }

  private look(): Token {
    return (this.next ??= this.tokens.next().value ?? { kind: "end", text: "" });
  }

  private take(): Token {
    const token = this.look();
    if (token.kind !== "end") this.next = undefined;
    return token;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    if (this.look().kind === "end") return requirements;
    if (!this.startsRequirement()) {
      throw badRequest(`found '${this.look().text}', expected: !, identifier, or 'end of string'`);
    }
    for (;;) {
      try {
        requirements.push(this.requirement());
      } catch (error) {
        throw badRequest(`unable to parse requirement: ${(error as Error).message}`, error);
      }
      assertWithin(requirements.length, REQUIREMENTS_MAX, "requirements");
      const next = this.take();
      if (next.kind === "end") return requirements;
      if (next.text !== ",") throw badRequest(`found '${next.text}', expected: ',' or 'end of string'`);
      if (!this.startsRequirement()) {
        throw badRequest(`found '${this.look().text}', expected: identifier after ','`);
      }
    }
  }

  private startsRequirement(): boolean {
    const token = this.look();
    return token.kind === "word" || token.text === "!";
  }

  private requirement(): LabelRequirement {
    const negated = this.look().text === "!";
    if (negated) this.take();
    const key = this.take();
    if (key.kind !== "word") throw new Error(`found '${key.text}', expected: identifier`);
    checkKey(key.text);
    const next = this.look();
    if (next.kind === "end" || next.text === ",") {
      return { key: key.text, operator: negated ? "DoesNotExist" : "Exists" };
    }
    // "!key" stands alone: whatever follows is no end of a requirement.
    if (negated) return { key: key.text, operator: "DoesNotExist" };
    return this.compared(key.text);
  }

  private compared(key: string): LabelRequirement {
    const { text } = this.take();
    switch (text) {
      case "in":
        return setRequirement(key, "In", this.values());
      case "notin":
        return setRequirement(key, "NotIn", this.values());
      case "=":
      case "==":
        return setRequirement(key, "In", [this.value()]);
      case "!=":
        return setRequirement(key, "NotIn", [this.value()]);
      case ">":
        return orderRequirement(key, "Gt", this.value());
      case "<":
        return orderRequirement(key, "Lt", this.value());
      default:
        throw new Error(`found '${text}', expected: ${BINARY_OPERATORS}`);
    }
  }

  private value(): string {
    const next = this.look();
    if (next.kind === "end" || next.text === ",") return "";
    this.take();
    if (next.kind !== "word") throw new Error(`found '${next.text}', expected: identifier`);
    return next.text;
  }

  /** "(a,b)"; empty members stand for the empty value: "()", "(,b)". */
  private values(): string[] {
    const open = this.take();
    if (open.text !== "(") throw new Error(`found '${open.text}' expected: '('`);
    const first = this.look();
    if (first.kind !== "word" && first.text !== "," && first.text !== ")") {
      throw new Error(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values: string[] = [];
    for (;;) {
      const next = this.look();
      if (next.kind === "word") {
        values.push(this.take().text);
      } else if (next.text === "," || next.text === ")") {
        values.push("");
      } else {
        throw new Error(`found '${next.text}', expected: ',', or identifier`);
      }
      assertWithin(values.length, VALUES_MAX, "values");
      const after = this.take();
      if (after.text === ")") return values;
      if (after.text !== ",") throw new Error(`found '${after.text}', expected: ',' or ')'`);
    }
  }
}

function checkKey(key: string): void {
  const faults = qualifiedNameFaults(key);
  if (faults.length === 0) return;
  throw new Error(`<nil>: ${fieldError.invalid("", key, faults.join("; ")).message}`);
}

function setRequirement(key: string, operator: "In" | "NotIn", given: readonly string[]): LabelRequirement {
  const values = [...new Set(given)].toSorted();
  checkValues(key, values);
  return { key, operator, values };
}

function orderRequirement(key: string, operator: "Gt" | "Lt", text: string): LabelRequirement {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    const why = "for 'Gt', 'Lt' operators, the value must be an integer";
    throw new Error(`values[0]: ${fieldError.invalid("", text, why).message}`);
  }
  checkValues(key, [text]);
  return { key, operator, value: Number(text) };
}

function checkValues(key: string, values: readonly string[]): void {
  const faults = values.flatMap((value, index) => {
    const wrong = labelValueFaults(value);
    return wrong.length === 0
      ? []
      : [`values[${index}][${key}]: ${fieldError.invalid("", value, wrong.join("; ")).message}`];
  });
  if (faults.length > 0) throw new Error(faults.length === 1 ? faults[0] : `[${faults.join(", ")}]`);
}

/** All operators of label selectors; the result is sorted by key. @throws StatusError "BadRequest" with Kubernetes' text */
export function parseLabelSelector(text: string): LabelRequirement[] {
  return new LabelSelectorParser(text).parse().toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** "a=1,b!=2"; a backslash escapes "\", "," and "=" in values. @throws StatusError "BadRequest" with Kubernetes' text */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const terms = fieldTerms(text).filter((term) => term !== "");
  assertWithin(terms.length, REQUIREMENTS_MAX, "requirements");
  return terms.toSorted().map((term) => {
    const split = /!=|==?/.exec(term);
    if (!split) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const value = unescaped(term.slice(split.index + split[0].length));
    return { field: term.slice(0, split.index), operator: split[0] === "!=" ? "!=" : "=", value };
  });
}

/** Split at commas that are not escaped; escapes stay as they are. */
function fieldTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\") {
      at += 1;
    } else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function unescaped(text: string): string {
  let value = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (character === "," || character === "=") {
      const code = character.codePointAt(0);
      throw badRequest(`invalid field selector: unescaped character in value: ${code}`);
    }
    if (character !== "\\") {
      value += character;
      continue;
    }
    at += 1;
    const next = text[at] ?? "";
    if (next !== "\\" && next !== "," && next !== "=") {
      throw badRequest(`invalid field selector: invalid escape sequence: \\${next}`);
    }
    value += next;
  }
  return value;
}
