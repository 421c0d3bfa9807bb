/**
 * YAML as Kubernetes reads it: the first document, YAML 1.1 scalars (`yes` is true, `0777` is octal), converted to what JSON can
 * say. Duplicate keys are reported with their lines, as Kubernetes' YAML decoder does; the last one wins.
 */
import {
  constructFromEvents,
  defineMappingTag,
  defineScalarTag,
  EVENT_ID,
  FAILSAFE_SCHEMA,
  mergeTag,
  NOT_RESOLVED,
  parseEvents,
  YAMLException,
  type Event,
} from "js-yaml";
import { StatusError } from "../machinery/status-error.ts";
import { duplicateKeyLines } from "./yaml-duplicates.ts";
import { JsonSyntaxError, scanJson, type RawNumber, type ScannedJson } from "./json.ts";
import { tooManyValues, VALUES_MAX } from "../machinery/object-limits.ts";
import { plainYaml } from "./yaml-plain.ts";

/** The text is no YAML, or says what JSON cannot. */
export class YamlSyntaxError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "YamlSyntaxError";
  }
}

const DEPTH_MAX = 1_000;

/** YAML takes much more time to read than JSON, so there may be less of it. What is JSON at the same time may be as long as JSON. */
export const YAML_BYTES_MAX = 1024 * 1024;

/** A mapping, its keys and its values are an event each. It takes twice as long to get as far with YAML as with JSON. */
const EVENTS_MAX = 0.8 * VALUES_MAX;

/** The same where there are tags, anchors or merge keys: the library takes much longer for those. */
const CONSTRUCTED_EVENTS_MAX = 20_000;

/** Nodes visited at most, aliases followed: without this a few lines can stand for billions. */
const NODES_MAX = 2 * VALUES_MAX;

/** Marks a mapping that met a key twice; a symbol, so that it is no member. */
const HAS_DUPLICATES = Symbol("duplicates");

type Mapping = Record<string, unknown> & { [HAS_DUPLICATES]?: true };

function never(): boolean {
  return false;
}

const nullTag = defineScalarTag<null>("tag:yaml.org,2002:null", {
  implicit: true,
  implicitFirstChars: ["", "~", "n", "N"],
  resolve: (source) => (/^(?:~|null|Null|NULL|)$/.test(source) ? null : NOT_RESOLVED),
  identify: never,
});

const boolTag = defineScalarTag<boolean>("tag:yaml.org,2002:bool", {
  implicit: true,
  implicitFirstChars: "yYnNtTfFoO".split(""),
  resolve: (source) => {
    if (/^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(source)) return true;
    return /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(source) ? false : NOT_RESOLVED;
  },
  identify: never,
});

/** Most are, and need no care. */
const SHORT = /^(?:0|[1-9][0-9]{0,14})$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
/** 64 binary digits with their sign, their prefix and what may stand between them. To read a million digits takes a tenth of a second. */
const INTEGER_CHARACTERS_MAX = 160;
const UINT64_MAX = 2n ** 64n - 1n;
const INT64_MIN = -(2n ** 63n);

/** An integer as Go's strconv reads it with base 0, when 64 bits hold it. */
function integerOf(source: string): number | RawNumber | undefined {
  if (source.length > INTEGER_CHARACTERS_MAX) return undefined;
  if (SHORT.test(source)) return Number(source);
  const found = INTEGER.exec(source.replaceAll("_", ""));
  if (!found) return undefined;
  const [, sign, hex, binary, octal, decimal] = found;
  const digits = hex ? `0x${hex}` : binary ? `0b${binary}` : octal ? `0o${octal}` : (decimal ?? "0");
  const value = sign === "-" ? -BigInt(digits) : BigInt(digits);
  if (value > UINT64_MAX || value < INT64_MIN) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number;
  return (JSON as unknown as { rawJSON(text: string): RawNumber }).rawJSON(String(value));
}

const intTag = defineScalarTag<number | RawNumber>("tag:yaml.org,2002:int", {
  implicit: true,
  implicitFirstChars: "+-0123456789".split(""),
  resolve: (source) => integerOf(source) ?? NOT_RESOLVED,
  identify: never,
});

const floatTag = defineScalarTag<number>("tag:yaml.org,2002:float", {
  implicit: true,
  implicitFirstChars: "+-.0123456789".split(""),
  resolve: (source) => {
    if (/^[-+]?\.(?:inf|Inf|INF)$/.test(source)) return source.startsWith("-") ? -Infinity : Infinity;
    if (/^\.(?:nan|NaN|NAN)$/.test(source)) return NaN;
    const plain = source.replaceAll("_", "");
    return /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain) ? Number(plain) : NOT_RESOLVED;
  },
  identify: never,
});

/** A key as a member name, or undefined where JSON has none. */
function memberName(key: unknown): string | undefined {
  if (typeof key === "string") return key;
  if (typeof key === "boolean" || typeof key === "number") return String(key);
  return typeof key === "object" && key !== null && "rawJSON" in key ? String(key.rawJSON) : undefined;
}

const mapTag = defineMappingTag<Mapping>("tag:yaml.org,2002:map", {
  create: () => ({}),
  addPair: (mapping, key, value) => {
    const name = memberName(key);
    if (name === undefined) return "unsupported map key";
    if (name === "__proto__") return 'the member name "__proto__" is not allowed';
    if (Object.hasOwn(mapping, name)) mapping[HAS_DUPLICATES] = true;
    mapping[name] = value;
    return "";
  },
  has: (mapping, key) => Object.hasOwn(mapping, memberName(key) ?? ""),
  keys: (mapping) => Object.keys(mapping),
  get: (mapping, key) => mapping[String(key)],
  identify: never,
});

const SCHEMA = FAILSAFE_SCHEMA.withTags(nullTag, boolTag, intTag, floatTag, mergeTag, mapTag);

export interface LoadedYaml {
  /** What JSON can say; large integers are raw numbers. An empty document is null. */
  value: unknown;
  /** e.g. `line 7: key "replicas" already set in map`, as Kubernetes' YAML decoder words it. */
  duplicates: string[];
}

/** A line with more than a comment. One quantifier and no more: two of them would try every way to share blank lines out. */
const CONTENT = /^[^\S\n]*[^#\s]/m;

/** @throws YamlSyntaxError, StatusError "RequestEntityTooLarge" */
export function loadYaml(input: string | Uint8Array): LoadedYaml {
  const text = typeof input === "string" ? input : new TextDecoder().decode(input);
  if (!CONTENT.test(text)) return { value: null, duplicates: [] };
  const asJson = jsonOf(text);
  if (asJson) return { value: asJson.value, duplicates: [] };
  if (text.length > YAML_BYTES_MAX) throw tooLong();
  const events = eventsOf(text);
  const { value, hasDuplicates } = plainYaml(text, events, scalarOf) ?? withoutAliases(construct(text, events));
  // A key that overrides a merged one (`<<`) is no duplicate, and the parser does not tell the two apart.
  const reports = hasDuplicates && !text.includes("<<");
  return { value, duplicates: reports ? duplicateKeyLines(text, events, scalarOf) : [] };
}

function tooLong(): StatusError {
  return new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${YAML_BYTES_MAX}`);
}

/** Most YAML that programs send is JSON, which is read much faster. Undefined where it is none, or where it has duplicates to tell. */
function jsonOf(text: string): ScannedJson | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const scanned = scanJson(text);
    return scanned.duplicateFields.length === 0 ? scanned : undefined;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}

/** Of the first document: of several the first counts, as for every reader of one object. */
function eventsOf(text: string): Event[] {
  const events = parsing(() => firstDocument(parseEvents(text, { maxDepth: DEPTH_MAX })));
  if (events.length > EVENTS_MAX) throw tooManyValues(EVENTS_MAX);
  return events;
}

function construct(text: string, events: Event[]): unknown {
  if (events.length > CONSTRUCTED_EVENTS_MAX) throw tooManyValues(CONSTRUCTED_EVENTS_MAX);
  const [loaded = null] = parsing(() => constructFromEvents(events, { source: text, schema: SCHEMA, json: true }));
  return loaded;
}

/** @throws YamlSyntaxError for what the library refuses */
function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw new YamlSyntaxError("yaml: cannot be parsed", { cause });
    const line = cause.mark ? `line ${cause.mark.line + 1}: ` : "";
    throw new YamlSyntaxError(`yaml: ${line}${cause.reason}`, { cause });
  }
}

function firstDocument(events: Event[]): Event[] {
  const second = events.findIndex(({ type }, index) => type === EVENT_ID.DOCUMENT && index > 0);
  return second < 0 ? events : events.slice(0, second);
}

/** A plain scalar that begins otherwise is nothing but itself. */
const MAY_BE_MORE = /^[-+.0-9~nNyYtTfFoO]/;

/** What a plain scalar stands for: a number, a boolean, null or itself. */
function scalarOf(source: string): unknown {
  if (source !== "" && !MAY_BE_MORE.test(source)) return source;
  if (/^(?:~|null|Null|NULL|)$/.test(source)) return null;
  for (const tag of [boolTag, intTag, floatTag]) {
    const value = tag.resolve(source, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value;
  }
  return source;
}

/** A copy without aliases to shared nodes and without our marks. */
function withoutAliases(root: unknown): { value: unknown; hasDuplicates: boolean } {
  let nodes = 0;
  let hasDuplicates = false;

  function copy(value: unknown, depth: number): unknown {
    nodes += 1;
    if (nodes > NODES_MAX) throw new YamlSyntaxError("yaml: document contains excessive aliasing");
    if (depth > DEPTH_MAX) throw new YamlSyntaxError("yaml: exceeded max depth");
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new YamlSyntaxError(`json: unsupported value: ${value}`);
    }
    if (typeof value !== "object" || value === null || "rawJSON" in value) return value;
    if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
    const mapping = value as Mapping;
    if (mapping[HAS_DUPLICATES]) hasDuplicates = true;
    const out: Record<string, unknown> = {};
    for (const key of Object.keys(mapping)) out[key] = copy(mapping[key], depth + 1);
    return out;
  }

  return { value: copy(root, 0), hasDuplicates };
}
