/**
 * What calls cost at most: cel-go's checker/cost.go and ext/, and k8s.io/apiserver/pkg/cel/library/cost.go. Which rules a definition may
 * have depends on these figures.
 */
import type { Expr } from "./ast.ts";
import { fixed, plus, scaled, times, UNBOUNDED, union, UNKNOWN, type Range } from "./estimate.ts";
import { isSameType, type CelType } from "./types.ts";

export interface CostNode {
  path: readonly string[] | undefined;
  type: CelType;
  expr?: Expr;
  /** From the expression or the schema. */
  size: Range | undefined;
}

export interface CallCost {
  cost: Range;
  size?: Range;
}

export const TRAVERSAL = 0.1;
const REGEXP = 0.25;
const LIST_BASE = 10;
const STRUCT_BASE = 40;
const CHECK_COST = 350_000;
const NAME_FORMAT_REGEXP_LENGTH = 128;
const FORMAT_LENGTH = 64;

export interface CallNodes {
  name: string;
  overload: string;
  target: CostNode | undefined;
  args: readonly CostNode[];
  /** The size of what lies at a path of the schema. */
  sizeAt(path: readonly string[]): Range | undefined;
}

const ONE: ReadonlySet<string> = new Set(
  (
    "serviceAccount path group resource subresource namespace name allowed reason error errored masked prefixLength family " +
    "isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast format.named sign asInteger isInteger " +
    "asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch getScheme getHostname getHost getPort " +
    "getEscapedPath getQuery"
  ).split(" "),
);

function sizeOf(node: CostNode | undefined): Range {
  return node?.size ?? UNKNOWN;
}

/** Without its arguments'. undefined: as any other call. */
export function callCost(call: CallNodes): CallCost | undefined {
  return extensionCost(call) ?? kubernetesCost(call);
}

/** ext/lists and ext/sets. */
function extensionCost({ overload, target, args }: CallNodes): CallCost | undefined {
  const [first, second] = args;
  switch (overload) {
    case "list_slice":
      return allocation(1, fixed(Math.max(0, intOf(second, sizeOf(target).max) - intOf(first, 0))));
    case "lists_range":
      return allocation(1, fixed(intOf(first, UNBOUNDED)));
    case "list_reverse":
      return allocation(1, sizeOf(target));
    case "list_flatten":
      return allocation(1, sizeOf(target));
    case "list_flatten_int":
      return allocation(intOf(first, UNBOUNDED), sizeOf(target));
    case "list_distinct":
      return allocation(2, times(sizeOf(target), sizeOf(target)));
    case "list_sets_contains_list":
    case "list_sets_intersects_list":
      return { cost: plus(times(sizeOf(first), sizeOf(second)), fixed(1)) };
    case "list_sets_equivalent_list":
      return { cost: plus(scaled(times(sizeOf(first), sizeOf(second)), 2), fixed(1)) };
    default: {
      const sorted = /^list_(\w+)_sort$/.exec(overload);
      if (!sorted) return undefined;
      const isText = sorted[1] === "string" || sorted[1] === "bytes";
      return allocation(isText ? 2 + TRAVERSAL : 2, times(sizeOf(target), sizeOf(target)));
    }
  }
}

/** A list of that size is made. */
function allocation(factor: number, size: Range): CallCost {
  return { cost: plus(scaled(size, factor), fixed(1 + LIST_BASE)), size };
}

function intOf(node: CostNode | undefined, otherwise: number): number {
  const literal = node?.expr?.kind === "literal" ? node.expr.literal : undefined;
  return literal?.type === "int" ? Number(literal.value) : otherwise;
}

function kubernetesCost(call: CallNodes): CallCost | undefined {
  const { name, overload, target, args } = call;
  const [first] = args;
  if (ONE.has(name)) return { cost: fixed(1) };
  switch (name) {
    case "check":
      return { cost: fixed(CHECK_COST) };
    case "fieldSelector":
    case "labelSelector":
      return { cost: selectorCost(sizeOf(first)) };
    case "isSorted":
    case "sum":
    case "max":
    case "min":
    case "indexOf":
    case "lastIndexOf":
      return target ? listCost(call, target) : undefined;
    case "url":
    case "jsonpatch.escapeKey":
      return { cost: scaled(sizeOf(first), TRAVERSAL), size: sizeOf(first) };
    case "lowerAscii":
    case "upperAscii":
    case "substring":
    case "trim":
      return { cost: scaled(sizeOf(target), TRAVERSAL), size: sizeOf(target) };
    case "replace":
    case "split":
    case "join":
    case "find":
    case "findAll":
      return target ? textCost(call, target) : undefined;
    case "ip":
      if (overload === "cidr_ip") return { cost: fixed(1) };
      return { cost: scaled(sizeOf(first), TRAVERSAL) };
    case "cidr":
    case "isIP":
    case "isCIDR":
    case "quantity":
    case "isQuantity":
    case "semver":
    case "isSemver":
      return { cost: scaled(sizeOf(first), TRAVERSAL) };
    case "ip.isCanonical":
      return { cost: scaled(sizeOf(first), 2 * TRAVERSAL) };
    case "containsIP":
    case "containsCIDR":
      return { cost: containsCost(call) };
    case "validate":
      return { cost: scaled(scaled(sizeOf(first), TRAVERSAL), NAME_FORMAT_REGEXP_LENGTH * REGEXP) };
    case "_==_":
      return equalityCost(args);
    default:
      return undefined;
  }
}

function selectorCost(length: Range): Range {
  const requirements = scaled(scaled(length, 0.5), LIST_BASE + STRUCT_BASE);
  return plus(fixed(LIST_BASE), scaled(length, TRAVERSAL), requirements);
}

/** The items of a list, as far as the schema tells. */
function itemsOf(call: CallNodes, { path, type }: CostNode): { type: CelType; size: Range } | undefined {
  const [item] = type.params;
  if (!item) return undefined;
  return { type: item, size: (path && call.sizeAt([...path, "@items"])) ?? UNKNOWN };
}

function listCost(call: CallNodes, target: CostNode): CallCost {
  const items = itemsOf(call, target);
  if (!items) return { cost: scaled(sizeOf(target), TRAVERSAL) };
  const isText = items.type.kind === "string" || items.type.kind === "bytes";
  const each = plus(fixed(1), isText ? scaled(items.size, TRAVERSAL) : fixed(0));
  return { cost: times(sizeOf(target), each) };
}

function textCost(call: CallNodes, target: CostNode): CallCost | undefined {
  const { name, args } = call;
  const [first, second] = args;
  const size = sizeOf(target);
  if (name === "replace") {
    return { cost: scaled(size, 2 * TRAVERSAL), size: replacedSize(size, sizeOf(first), sizeOf(second)) };
  }
  if (name === "split") {
    return { cost: scaled(size, 2 * TRAVERSAL), size: { min: 0, max: intOf(second, size.max) } };
  }
  if (name === "join") {
    const items = itemsOf(call, target);
    const separators = { min: Math.max(0, size.min - 1), max: Math.max(0, size.max - 1) };
    const joined = plus(
      items ? times(size, items.size) : fixed(0),
      first ? times(sizeOf(first), separators) : fixed(0),
    );
    return { cost: scaled(joined, TRAVERSAL), size: joined };
  }
  const text = scaled(plus(size, fixed(1)), TRAVERSAL);
  return { cost: times(text, scaled(sizeOf(first), REGEXP)), size: { min: 0, max: size.max } };
}

function replacedSize(size: Range, what: Range, by: Range): Range {
  const [count, kept] = [
    { min: 0, max: 0 },
    { min: 0, max: 0 },
  ];
  if (what.min === 0) {
    count.max = Math.min(size.max + 1, UNBOUNDED);
    kept.max = size.max;
  } else if (by.max <= what.min) kept.max = size.max;
  else count.max = Math.ceil(size.max / what.min);
  if (what.max === 0) {
    count.min = Math.min(size.min + 1, UNBOUNDED);
    kept.min = size.min;
  } else if (what.max <= by.min) kept.min = size.min;
  else count.min = Math.ceil(size.min / what.max);
  return plus(times(count, by), kept);
}

function containsCost({ name, overload, args: [other] }: CallNodes): Range {
  const address = { min: 4, max: 16 };
  const compared = scaled(plus(address, address), TRAVERSAL);
  const masked = name === "containsCIDR" ? plus(scaled(address, TRAVERSAL), fixed(1)) : fixed(0);
  const parsed = overload.endsWith("_string") ? scaled(sizeOf(other), TRAVERSAL) : fixed(0);
  return plus(compared, masked, parsed);
}

function equalityCost([left, right]: readonly CostNode[]): CallCost | undefined {
  if (!left || !right || left.type.kind !== "object" || !isSameType(left.type, right.type)) return undefined;
  const { name } = left.type;
  if (name === "kubernetes.NamedFormat") return { cost: scaled({ min: 1, max: FORMAT_LENGTH }, TRAVERSAL) };
  if (name === "kubernetes.URL") {
    const size = right.size ? union(right.size, right.size) : fixed(1);
    return { cost: scaled({ min: 1, max: size.max }, TRAVERSAL) };
  }
  const isSmall = /^(?:net\.(?:IP|CIDR)|kubernetes\.(?:Quantity|Semver|authorization\.\w+))$/.test(name);
  return isSmall ? { cost: fixed(1) } : undefined;
}

/** Calls of the language itself: what is not in `callCost`. Arguments are not counted. */
export function plainCallCost({ overload, target, args }: CallNodes): CallCost {
  const [first, second] = args;
  switch (overload) {
    case "string_format":
      return { cost: scaled(sizeOf(target), TRAVERSAL) };
    case "string_to_bytes":
      return { cost: scaled(sizeOf(first), TRAVERSAL), size: { min: sizeOf(first).min, max: sizeOf(first).max * 4 } };
    case "bytes_to_string":
      return {
        cost: scaled(sizeOf(first), TRAVERSAL),
        size: { min: Math.floor(sizeOf(first).min / 4), max: sizeOf(first).max },
      };
    case "strings_quote":
      return {
        cost: scaled(sizeOf(first), TRAVERSAL),
        size: { min: sizeOf(first).min + 2, max: sizeOf(first).max * 2 + 2 },
      };
    case "starts_with_string":
    case "ends_with_string":
      return { cost: scaled(sizeOf(first), TRAVERSAL) };
    case "in_list":
      return { cost: sizeOf(second) };
    case "matches_string":
      return { cost: times(scaled(plus(sizeOf(target), fixed(1)), TRAVERSAL), scaled(sizeOf(first), REGEXP)) };
    case "contains_string":
      return { cost: times(scaled(sizeOf(target), TRAVERSAL), scaled(sizeOf(first), TRAVERSAL)) };
    case "add_list":
      return { cost: fixed(1), size: plus(sizeOf(first), sizeOf(second)) };
    case "add_string":
    case "add_bytes": {
      const size = plus(sizeOf(first), sizeOf(second));
      return { cost: scaled(size, TRAVERSAL), size };
    }
    default:
      return {
        cost: /^(?:(?:less|greater)(?:_equals)?_(?:string|bytes)|(?:not_)?equals)$/.test(overload)
          ? comparisonCost(first, second)
          : fixed(1),
      };
  }
}

function comparisonCost(first: CostNode | undefined, second: CostNode | undefined): Range {
  const max = Math.min(sizeOf(first).max, sizeOf(second).max);
  return scaled({ min: max > 0 ? 1 : 0, max }, TRAVERSAL);
}
