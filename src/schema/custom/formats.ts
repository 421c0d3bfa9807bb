/** Formats that schemas may ask for: k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go, kube-openapi's strfmt. */
import { isIpv4, isIpv6 } from "../../machinery/ip.ts";
import { dnsLabelFaults, dnsSubdomainFaults } from "../../machinery/names.ts";
import { parseDuration, parseTimestamp } from "../../cel/time.ts";
import type { JsonSchema } from "./json-schema.ts";

const UUID = (version: string, variant: string): RegExp =>
  new RegExp(
    `^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{${version === "" ? 4 : 3}}-?${variant}[0-9a-f]{${variant === "" ? 4 : 3}}-?[0-9a-f]{12}$`,
    "i",
  );

/** By name without dashes. Of those without a rule anything is fine. */
const RULES: Readonly<Record<string, ((text: string) => boolean) | undefined>> = {
  uri: (text) => /^(?:[A-Za-z][A-Za-z0-9+.-]*:.+|\/.*)$/.test(text) && !/[\s<>"{}|\\^`]/.test(text),
  email: (text) => /^[^\s@<>]+@[^\s@<>]+$/.test(text),
  hostname: (text) =>
    text.length <= 255 && /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?$/i.test(text),
  ipv4: isIpv4,
  ipv6: isIpv6,
  cidr: isCidr,
  mac: (text) =>
    /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text) ||
    /^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$/i.test(text),
  uuid: (text) => UUID("", "").test(text),
  uuid3: (text) => UUID("3", "").test(text),
  uuid4: (text) => UUID("4", "[89ab]").test(text),
  uuid5: (text) => UUID("5", "[89ab]").test(text),
  hexcolor: (text) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined,
  datetime: (text) => parseTimestamp(text) !== undefined,
  duration: (text) => parseDuration(text) !== undefined || /^\d+ *(?:ns|us|µs|ms|s|m|h|d|w|[a-z]+)$/i.test(text),
  k8sshortname: (text) => dnsLabelFaults(text).length === 0,
  k8slongname: (text) => dnsSubdomainFaults(text).length === 0,
};

const WITHOUT_RULE = ["bsonobjectid", "isbn", "isbn10", "isbn13", "creditcard", "rgbcolor", "password"];

function isCidr(text: string): boolean {
  const [, address = "", bits = ""] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  return (isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128);
}

function normalised(format: string): string {
  return format.replaceAll("-", "");
}

/** Is the format one for the schema's type? Others count for nothing and are warned of. */
export function isKnownFormat({ type = "", format = "", ...rest }: JsonSchema): boolean {
  if (format === "") return false;
  if (rest["x-kubernetes-int-or-string"]) return false;
  const name = normalised(format);
  if (type === "" || type === "string") return Object.hasOwn(RULES, name) || WITHOUT_RULE.includes(name);
  if (type === "integer") return format === "int32" || format === "int64";
  return type === "number" && (format === "float" || format === "double");
}

export function fitsFormat(text: string, format: string): boolean {
  const name = normalised(format);
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  return rule === undefined || rule(text);
}
