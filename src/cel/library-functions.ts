/** Kubernetes' own functions: k8s.io/apiserver/pkg/cel/library. Those of the authorizer are for who evaluates policies. */
import { canonicalIp, ipNumber, isIpv4, isIpv6 } from "../machinery/ip.ts";
import {
  dns1035LabelFaults,
  dnsLabelFaults,
  dnsSubdomainFaults,
  labelValueFaults,
  qualifiedNameFaults,
} from "../machinery/names.ts";
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  readQuantity,
  subtractQuantities,
  type Quantity,
} from "../machinery/quantity.ts";
import { parseTimestamp } from "./time.ts";
import { dictionary, Fault, Opaque, Optional, sequence, type Value, type CelFunction } from "./values.ts";

const NANO = 1_000_000_000n;

function opaque<T>(type: string, value: T, key: string): Opaque<T> {
  return new Opaque(type, value, key);
}

function quantityOf(value: Value | undefined): Quantity | undefined {
  return value instanceof Opaque && value.type === "kubernetes.Quantity" ? (value.value as Quantity) : undefined;
}

function quantity(of: Quantity): Value {
  return opaque("kubernetes.Quantity", of, formatQuantity(of));
}

function changed(change: (a: Quantity, b: Quantity) => Quantity): CelFunction {
  return (a, b) => {
    const left = quantityOf(a);
    const right = typeof b === "bigint" ? ({ nano: b * NANO, format: "DecimalSI" } as const) : quantityOf(b);
    return left && right ? quantity(change(left, right)) : undefined;
  };
}

interface Semver {
  numbers: readonly bigint[];
  pre: readonly string[];
}

function parseSemver(text: string, isLenient: boolean): Semver | undefined {
  const lenient = isLenient ? text.replace(/^v/, "") : text;
  const found = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(lenient);
  if (!found) return undefined;
  const [, major = "", minor, patch, pre] = found;
  const parts = [major, minor, patch];
  if (!isLenient && parts.some((part) => part === undefined || /^0\d/.test(part))) return undefined;
  return { numbers: parts.map((part) => BigInt(part ?? "0")), pre: pre ? pre.split(".") : [] };
}

function semverOf(value: Value | undefined): Semver | undefined {
  return value instanceof Opaque && value.type === "kubernetes.Semver" ? (value.value as Semver) : undefined;
}

function compareSemvers(a: Semver, b: Semver): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (const [index, part] of a.pre.entries()) {
    const other = b.pre[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const [left, right] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (left !== right) return left ? -1 : 1;
    if (left) return BigInt(part) < BigInt(other) ? -1 : 1;
    return part < other ? -1 : 1;
  }
  return a.pre.length < b.pre.length ? -1 : 0;
}

function compared(a: Value | undefined, b: Value | undefined): number | undefined {
  const [left, right] = [quantityOf(a), quantityOf(b)];
  if (left && right) return Math.sign(compareQuantities(left, right));
  const [version, other] = [semverOf(a), semverOf(b)];
  return version && other ? compareSemvers(version, other) : undefined;
}

/** IPv4 addresses inside of IPv6 ones and zones are refused, as the library does. */
function isAddress(text: string): boolean {
  return isIpv4(text) || (isIpv6(text) && !/^::ffff:/i.test(text) && !text.includes("."));
}

interface Range {
  address: string;
  bits: number;
}

function parseRange(text: string): Range | undefined {
  const [, address = "", bits = ""] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  if (!isAddress(address) || Number(bits) > (isIpv4(address) ? 32 : 128)) return undefined;
  return { address, bits: Number(bits) };
}

function addressOf(value: Value | undefined): string | undefined {
  return value instanceof Opaque && value.type === "net.IP" ? (value.value as string) : undefined;
}

function rangeOf(value: Value | undefined): Range | undefined {
  return value instanceof Opaque && value.type === "net.CIDR" ? (value.value as Range) : undefined;
}

function addressValue(text: string): Value {
  return opaque("net.IP", text, canonicalIp(text));
}

function range(of: Range): Value {
  return opaque("net.CIDR", of, `${canonicalIp(of.address)}/${of.bits}`);
}

function prefix(text: string, bits: number): bigint {
  return ipNumber(text) >> BigInt((isIpv4(text) ? 32 : 128) - bits);
}

function covers(outer: Range, inner: Range): boolean {
  if (isIpv4(outer.address) !== isIpv4(inner.address) || inner.bits < outer.bits) return false;
  return prefix(outer.address, outer.bits) === prefix(inner.address, outer.bits);
}

function masked({ address: text, bits }: Range): Value {
  const size = isIpv4(text) ? 32 : 128;
  const number = prefix(text, bits) << BigInt(size - bits);
  const groups = size === 32 ? [24n, 16n, 8n, 0n] : [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n];
  const parts = groups.map((shift) =>
    size === 32 ? String((number >> shift) & 0xffn) : ((number >> shift) & 0xffffn).toString(16),
  );
  return range({ address: parts.join(size === 32 ? "." : ":"), bits });
}

function addressTest(test: (number: bigint, isV4: boolean) => boolean): CelFunction {
  return (value) => {
    const text = addressOf(value);
    return text === undefined ? undefined : test(ipNumber(text), isIpv4(text));
  };
}

const isLoopback = (n: bigint, v4: boolean): boolean => (v4 ? n >> 24n === 127n : n === 1n);
const isMulticast = (n: bigint, v4: boolean): boolean => (v4 ? n >> 28n === 14n : n >> 120n === 0xffn);
const isLinkLocal = (n: bigint, v4: boolean): boolean => (v4 ? n >> 16n === 0xa9fen : n >> 118n === 0x3fan);

function urlOf(value: Value | undefined): URL | undefined {
  return value instanceof Opaque && value.type === "kubernetes.URL" ? (value.value as URL) : undefined;
}

/** url.ParseRequestURI: absolute, or a path. A path has no host or scheme. */
function parseUrl(text: string): { url: URL; isPath: boolean } | undefined {
  const isPath = text.startsWith("/");
  const url = URL.parse(text, isPath ? "path://" : undefined);
  return url && (isPath || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) ? { url, isPath } : undefined;
}

function urlPart(part: (url: URL) => Value): CelFunction {
  return (value) => {
    const url = urlOf(value);
    return url && part(url);
  };
}

function queryOf(url: URL): Value {
  const keys = [...new Set(url.searchParams.keys())];
  return dictionary(keys.map((key) => [key, sequence(url.searchParams.getAll(key))]));
}

function addressedHost(url: URL): string {
  return url.protocol === "path:" ? "" : url.host;
}

const FORMATS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  dns1123Label: (text) => dnsLabelFaults(text),
  dns1123Subdomain: (text) => dnsSubdomainFaults(text),
  dns1035Label: (text) => dns1035LabelFaults(text),
  qualifiedName: (text) => qualifiedNameFaults(text),
  dns1123LabelPrefix: (text) => dnsLabelFaults(text.replace(/-$/, "a")),
  dns1123SubdomainPrefix: (text) => dnsSubdomainFaults(text.replace(/-$/, "a")),
  dns1035LabelPrefix: (text) => dns1035LabelFaults(text.replace(/-$/, "a")),
  labelValue: (text) => labelValueFaults(text),
  uri: (text) => (parseUrl(text) ? [] : ["invalid URI"]),
  uuid: (text) =>
    /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text)
      ? []
      : ["does not match the UUID format"],
  byte: (text) => (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? [] : ["invalid base64"]),
  date: (text) =>
    /^\d{4}-\d{2}-\d{2}$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined ? [] : ["invalid date"],
  datetime: (text) => (parseTimestamp(text) === undefined ? ["invalid datetime"] : []),
};

function namedFormat(name: string): Value | undefined {
  return Object.hasOwn(FORMATS, name) ? opaque("kubernetes.NamedFormat", FORMATS[name], name) : undefined;
}

function validated(of: Value | undefined, text: Value | undefined): Value | undefined {
  if (!(of instanceof Opaque) || of.type !== "kubernetes.NamedFormat" || typeof text !== "string") return undefined;
  const faults = FORMATS[of.key]?.(text) ?? [];
  return new Optional(faults.length === 0 ? undefined : sequence(faults));
}

function ofText(make: (text: string) => Value | undefined, fault: string): CelFunction {
  return (text) => (typeof text === "string" ? (make(text) ?? new Fault(`${fault}: ${text}`)) : undefined);
}

function isText(test: (text: string) => boolean): CelFunction {
  return (text) => (typeof text === "string" ? test(text) : undefined);
}

export const LIBRARY_FUNCTIONS: Readonly<Record<string, CelFunction | undefined>> = {
  quantity: ofText((text) => {
    const read = readQuantity(text);
    return read && quantity(read);
  }, "quantities must match the regular expression"),
  isQuantity: isText((text) => readQuantity(text) !== undefined),
  sign: (a) => {
    const of = quantityOf(a);
    return of && (of.nano > 0n ? 1n : of.nano < 0n ? -1n : 0n);
  },
  isInteger: (a) => {
    const of = quantityOf(a);
    return of && of.nano % NANO === 0n && of.nano / NANO < 2n ** 63n && of.nano / NANO >= -(2n ** 63n);
  },
  asInteger: (a) => {
    const of = quantityOf(a);
    return of && (of.nano % NANO === 0n ? of.nano / NANO : new Fault("cannot convert value to integer"));
  },
  asApproximateFloat: (a) => {
    const of = quantityOf(a);
    return of && Number(of.nano) / 1e9;
  },
  add: changed(addQuantities),
  sub: changed(subtractQuantities),
  compareTo: (a, b) => {
    const order = compared(a, b);
    return order === undefined ? undefined : BigInt(order);
  },
  isGreaterThan: (a, b) => {
    const order = compared(a, b);
    return order === undefined ? undefined : order > 0;
  },
  isLessThan: (a, b) => {
    const order = compared(a, b);
    return order === undefined ? undefined : order < 0;
  },
  semver: (text, isLenient) => {
    if (typeof text !== "string") return undefined;
    const read = parseSemver(text, isLenient === true);
    return read ? opaque("kubernetes.Semver", read, text) : new Fault(`No Major.Minor.Patch elements found: ${text}`);
  },
  isSemver: (text, isLenient) =>
    typeof text === "string" ? parseSemver(text, isLenient === true) !== undefined : undefined,
  major: (a) => semverOf(a)?.numbers[0],
  minor: (a) => semverOf(a)?.numbers[1],
  patch: (a) => semverOf(a)?.numbers[2],
  ip: (a) => {
    const of = rangeOf(a);
    if (of) return addressValue(of.address);
    if (typeof a !== "string") return undefined;
    return isAddress(a) ? addressValue(a) : new Fault(`IP Address "${a}" parse error during conversion from string`);
  },
  isIP: isText(isAddress),
  "ip.isCanonical": (text) => {
    if (typeof text !== "string") return undefined;
    return isAddress(text)
      ? canonicalIp(text) === text
      : new Fault(`IP Address "${text}" parse error during conversion from string`);
  },
  family: (a) => {
    const text = addressOf(a);
    return text === undefined ? undefined : isIpv4(text) ? 4n : 6n;
  },
  isUnspecified: addressTest((n) => n === 0n),
  isLoopback: addressTest(isLoopback),
  isLinkLocalMulticast: addressTest((n, v4) => (v4 ? n >> 8n === 0xe00000n : n >> 112n === 0xff02n)),
  isLinkLocalUnicast: addressTest(isLinkLocal),
  isGlobalUnicast: addressTest(
    (n, v4) =>
      n !== 0n && !(v4 && n === 0xffffffffn) && !isLoopback(n, v4) && !isMulticast(n, v4) && !isLinkLocal(n, v4),
  ),
  cidr: ofText((text) => {
    const read = parseRange(text);
    return read && range(read);
  }, "network address parse error during conversion from string"),
  isCIDR: isText((text) => parseRange(text) !== undefined),
  prefixLength: (a) => {
    const of = rangeOf(a);
    return of && BigInt(of.bits);
  },
  masked: (a) => {
    const of = rangeOf(a);
    return of && masked(of);
  },
  containsIP: (a, b) => {
    const outer = rangeOf(a);
    const text = typeof b === "string" ? b : addressOf(b);
    if (!outer || text === undefined) return undefined;
    if (!isAddress(text)) return new Fault(`IP Address "${text}" parse error during conversion from string`);
    return covers(outer, { address: text, bits: isIpv4(text) ? 32 : 128 });
  },
  containsCIDR: (a, b) => {
    const outer = rangeOf(a);
    const inner = typeof b === "string" ? parseRange(b) : rangeOf(b);
    if (!outer) return undefined;
    return inner ? covers(outer, inner) : new Fault("network address parse error during conversion from string");
  },
  url: ofText((text) => {
    const read = parseUrl(text);
    return read && opaque("kubernetes.URL", read.url, text);
  }, "URL parse error during conversion from string"),
  isURL: isText((text) => parseUrl(text) !== undefined),
  getScheme: urlPart((url) => (url.protocol === "path:" ? "" : url.protocol.slice(0, -1))),
  getHost: urlPart(addressedHost),
  getHostname: urlPart((url) => url.hostname.replace(/^\[|\]$/g, "")),
  getPort: urlPart((url) => url.port),
  getEscapedPath: urlPart((url) => url.pathname),
  getQuery: urlPart(queryOf),
  validate: validated,
  "format.named": (name) => (typeof name === "string" ? new Optional(namedFormat(name)) : undefined),
  ...Object.fromEntries(
    Object.keys(FORMATS).map((name): [string, CelFunction] => [`format.${name}`, () => namedFormat(name)]),
  ),
};
