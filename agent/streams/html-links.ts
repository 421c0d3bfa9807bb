/**
 * Rewrites the links of HTML on its way, so that a page that is seen through a proxy leads back through it. Which attributes of which
 * elements hold links is that of k8s.io/apimachinery/pkg/util/proxy (transport.go). Everything else passes byte by byte.
 */
import { Transform } from "node:stream";

export interface LinkContext {
  /** What an absolute path gets in front, e.g. "/api/v1/namespaces/n/pods/p/proxy". */
  prefix: string;
  /** Of the server in the pod: links to it are links within. */
  podHost: string;
  /** Host of the client's request, which a server may have taken for its own. */
  requestHost: string;
}

/** An absolute path, of this server or of none named; other links are returned as they are. */
export function rewriteLink(link: string, { prefix, podHost, requestHost }: LinkContext): string {
  const match = /^([a-z][a-z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is.exec(link);
  const [, scheme = "", host = "", path = "", rest = ""] = match ?? [];
  if (!path.startsWith("/") || (scheme !== "" && host === "")) return link;
  if (host !== "" && host !== podHost && host !== requestHost) return link;
  const origin = host !== "" && host === requestHost ? `${scheme}//${host}` : "";
  return origin + (path.startsWith(prefix) ? path : prefix + cleaned(path)) + rest;
}

/** Without empty and dot segments; a slash at the end stays. */
function cleaned(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}${path.endsWith("/") && kept.length > 0 ? "/" : ""}`;
}

const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/** Their content is text, whatever it looks like. */
const RAW_TEXT = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"]);
/** A tag that is longer is not looked at. */
const TAG_CHARACTERS_MAX = 64 * 1024;

/** Bytes in, bytes out; each is taken for a character, which is right for every encoding in which ASCII is ASCII. */
export function createLinkRewriter(context: LinkContext): Transform {
  const scanner = new Scanner(context);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.from(scanner.take(chunk.toString("latin1")), "latin1"));
    },
    flush(done) {
      done(null, Buffer.from(scanner.end(), "latin1"));
    },
  });
}

class Scanner {
  private readonly context: LinkContext;
  private rest = "";
  /** What ends the part that is passed as it is: of a comment, or of an element whose content is text. */
  private until: string | undefined;

  constructor(context: LinkContext) {
    this.context = context;
  }

  take(text: string): string {
    const input = this.rest + text;
    let output = "";
    let at = 0;
    for (;;) {
      const { passed, next } = this.step(input, at);
      output += passed;
      if (next === undefined) break;
      at = next;
    }
    return output;
  }

  end(): string {
    return this.rest;
  }

  /** `next` is undefined where more is needed; what is then left is in `rest`. */
  private step(input: string, at: number): { passed: string; next: number | undefined } {
    if (this.until !== undefined) return this.pass(input, at, this.until);
    const begin = input.indexOf("<", at);
    if (begin < 0) return this.waitAt(input, input.length, at);
    if (begin + 4 > input.length) return this.waitAt(input, begin, at);
    if (input.startsWith("<!--", begin)) {
      this.until = "-->";
      return { passed: input.slice(at, begin + 4), next: begin + 4 };
    }
    if (!/[a-z]/i.test(input[begin + 1] ?? "")) return { passed: input.slice(at, begin + 1), next: begin + 1 };
    const end = endOfTag(input, begin + 1);
    if (end === undefined) {
      if (input.length - begin < TAG_CHARACTERS_MAX) return this.waitAt(input, begin, at);
      return { passed: input.slice(at, begin + 1), next: begin + 1 };
    }
    const tag = input.slice(begin, end);
    const name = /^<([^\s/>]+)/.exec(tag)?.[1]?.toLowerCase() ?? "";
    if (RAW_TEXT.has(name)) this.until = `</${name}`;
    return { passed: input.slice(at, begin) + rewriteTag(tag, LINKS[name], this.context), next: end };
  }

  private pass(input: string, at: number, until: string): { passed: string; next: number | undefined } {
    const found = indexOfIgnoringCase(input, until, at);
    if (found < 0) return this.waitAt(input, Math.max(at, input.length - until.length + 1), at);
    this.until = undefined;
    return { passed: input.slice(at, found + until.length), next: found + until.length };
  }

  private waitAt(input: string, from: number, at: number): { passed: string; next: undefined } {
    this.rest = input.slice(from);
    return { passed: input.slice(at, from), next: undefined };
  }
}

function indexOfIgnoringCase(input: string, wanted: string, at: number): number {
  const first = wanted.charAt(0);
  for (let i = input.indexOf(first, at); i >= 0; i = input.indexOf(first, i + 1)) {
    if (input.slice(i, i + wanted.length).toLowerCase() === wanted) return i;
  }
  return -1;
}

/** After the ">" that is in no quotes. */
function endOfTag(input: string, begin: number): number | undefined {
  let quote = "";
  for (let i = begin; i < input.length && i - begin < TAG_CHARACTERS_MAX; i++) {
    const character = input.charAt(i);
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === ">") return i + 1;
    // A quote is one only where a value begins.
    else if ((character === '"' || character === "'") && /=\s*$/.test(input.slice(Math.max(begin, i - 16), i)))
      quote = character;
  }
  return undefined;
}

const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g;

function rewriteTag(tag: string, attributes: readonly string[] | undefined, context: LinkContext): string {
  if (attributes === undefined) return tag;
  return tag.replaceAll(ATTRIBUTE, (whole: string, name: string, equals: string, value: string) => {
    if (!attributes.includes(name.toLowerCase())) return whole;
    const quote = /^["']/.exec(value)?.[0] ?? "";
    const link = quote === "" ? value : value.slice(1, -1);
    return name + equals + quote + rewriteLink(link, context) + quote;
  });
}
