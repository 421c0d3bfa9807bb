/**
 * Which form of an answer the client asked for. After k8s.io/apiserver/pkg/endpoints/handlers/negotiation and the parser of Accept
 * it uses (github.com/munnerz/goautoneg), whose order is not quite that of RFC 9110.
 */
import { StatusError } from "../machinery/status-error.ts";

export type Shape = "object" | "table" | "partial";

export interface Form {
  encoding: "json" | "yaml";
  shape: Shape;
  /** As it goes into Content-Type; for watches a suffix is added. */
  contentType: string;
  /** Asked for by a parameter of the media type; see also isPretty. */
  pretty: boolean;
  /** The version of `meta.k8s.io` in which a table or a partial object is served. */
  version: "v1" | "v1beta1";
  /** The kind that was asked for, e.g. "PartialObjectMetadataList"; "" for the object as it is. */
  as: string;
}

const PLAIN: Form = {
  encoding: "json",
  shape: "object",
  contentType: "application/json",
  pretty: false,
  version: "v1",
  as: "",
};

/** What the server reads and writes, in its order of preference. Protobuf is read and not written yet. */
const SERVED = ["application/json", "application/yaml"] as const;

const NOT_ACCEPTABLE =
  "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf";

const CLAUSES_MAX = 64;

/** @throws StatusError "NotAcceptable" when nothing that the client takes is served in one of these shapes */
export function negotiate(accept: string | null, shapes: readonly Shape[] = ["object"]): Form {
  if (accept === null || accept === "" || accept === "application/json" || accept === "*/*") return PLAIN;
  for (const clause of parseAccept(accept)) {
    for (const served of SERVED) {
      const form = matches(clause, served) ? formOf(clause, served, shapes) : undefined;
      if (form) return form;
    }
  }
  throw new StatusError("NotAcceptable", NOT_ACCEPTABLE);
}

/** One media range of an Accept header. */
export interface Clause {
  type: string;
  subtype: string;
  q: number;
  params: Map<string, string>;
}

/** What the client takes, best first. */
export function parseAccept(accept: string): Clause[] {
  const clauses: Clause[] = [];
  for (const part of accept.split(",", CLAUSES_MAX)) {
    const clause = parseClause(part);
    if (clause) insert(clauses, clause);
  }
  return clauses;
}

function parseClause(part: string): Clause | undefined {
  const [range = "", ...rest] = part.split(";").map((piece) => piece.trim());
  const [type = "", subtype = type === "*" ? "*" : "", ...more] = range.split("/").map((piece) => piece.trim());
  if (subtype === "" || more.length > 0) return undefined;
  const params = new Map<string, string>();
  let q = 1;
  for (const param of rest) {
    const [name = "", value = "", ...others] = param.split("=").map((piece) => piece.trim());
    if (value === "" || others.length > 0) continue;
    if (name === "q") q = Number.isNaN(Number(value)) ? 0 : Number(value);
    else params.set(name, value);
  }
  return { type, subtype, q, params };
}

/** Keeps what clients are used to: the highest q first, but a wildcard never before a type, and q=0 is last, not excluded. */
function insert(clauses: Clause[], clause: Clause): void {
  let at = clauses.length;
  for (; at > 0; at--) {
    const before = clauses[at - 1];
    if (!before || !goesBefore(clause, before)) break;
  }
  clauses.splice(at, 0, clause);
}

function goesBefore(a: Clause, b: Clause): boolean {
  return a.q > b.q || (a.type !== "*" && b.type === "*") || (a.subtype !== "*" && b.subtype === "*");
}

export function matches({ type, subtype }: Clause, served: string): boolean {
  if (type === "*") return subtype === "*";
  return subtype === "*" ? served.startsWith(`${type}/`) : served === `${type}/${subtype}`;
}

function formOf({ params }: Clause, contentType: (typeof SERVED)[number], shapes: readonly Shape[]): Form | undefined {
  const stream = params.get("stream");
  if (stream !== undefined && stream !== "watch") return undefined;
  const serverVersion = params.get("sv");
  if (serverVersion !== undefined && serverVersion !== "v1") return undefined;
  const encoding = contentType === "application/json" ? "json" : "yaml";
  const pretty = params.get("pretty") === "1";
  const [as, group, version] = [params.get("as"), params.get("g"), params.get("v")];
  if (as === undefined && group === undefined && version === undefined) {
    return { ...PLAIN, encoding, contentType, pretty };
  }
  if (as === undefined || group !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  const shape = SHAPES[as];
  if (shape === undefined || !shapes.includes(shape)) return undefined;
  return { encoding, shape, contentType, pretty, version, as };
}

const SHAPES: Readonly<Record<string, Shape>> = {
  Table: "table",
  PartialObjectMetadata: "partial",
  PartialObjectMetadataList: "partial",
};

/** Indented JSON: `?pretty=true`, or a client that people read from. */
export function isPretty(request: Request, query: URLSearchParams): boolean {
  const asked = query.size === 0 ? null : query.get("pretty");
  if (asked !== null && asked !== "") return /^(?:1|t|T|TRUE|true|True)$/.test(asked);
  return /^(?:curl|Wget|Mozilla\/5\.0)/.test(request.headers.get("user-agent") ?? "");
}
