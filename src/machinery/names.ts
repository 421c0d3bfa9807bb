/**
 * What names, keys and labels must look like. Each function returns what is wrong with its argument, in Kubernetes' words
 * (k8s.io/apimachinery/pkg/util/validation and pkg/api/validate/content), and [] when nothing is.
 */

import { canonicalIp, IP_FAULT, isIpv4, isIpv6 } from "./ip.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${LABEL_KEY})?`;
const CONFIG_KEY = "[-._a-zA-Z0-9]+";
const PERCENT = "[0-9]+%";
const HEADER = "[-A-Za-z0-9]+";

const LABEL_RE = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_RE = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_1035_RE = new RegExp(`^${LABEL_1035}$`);
const LABEL_KEY_RE = new RegExp(`^${LABEL_KEY}$`);
const LABEL_VALUE_RE = new RegExp(`^${LABEL_VALUE}$`);
const CONFIG_KEY_RE = new RegExp(`^${CONFIG_KEY}$`);

const LABEL_BYTES_MAX = 63;
const SUBDOMAIN_BYTES_MAX = 253;
const PORT_NAME_CHARACTERS_MAX = 15;

const encoder = new TextEncoder();

/** To call the encoder costs more than to look at so many characters. */
const LOOKED_AT_CHARACTERS = 64;

/** Length in UTF-8, which is what limits count. */
export function byteLength(text: string): number {
  if (text.length <= LOOKED_AT_CHARACTERS && isAscii(text)) return text.length;
  return encoder.encode(text).length;
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

function tooLong(text: string, max: number, unit: "bytes" | "characters" = "bytes"): string[] {
  // UTF-8 never takes more than three bytes for a UTF-16 unit, so most texts need no encoding.
  const long = text.length > max || (text.length * 3 > max && byteLength(text) > max);
  return long ? [`must be no more than ${max} ${unit}`] : [];
}

/** Two spaces before "or": so Kubernetes writes it. */
function pattern(text: string, regex: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}'`).join(",  or ");
  return `${text} (e.g. ${shown}, regex used for validation is '${regex}')`;
}

/** The range check that ports, percentages and the like share. */
export function outsideOf(value: number, min: number, max: number): string[] {
  return value >= min && value <= max ? [] : [`must be between ${min} and ${max}, inclusive`];
}

export function dnsLabelFaults(value: string): string[] {
  const faults = tooLong(value, LABEL_BYTES_MAX);
  if (!LABEL_RE.test(value)) {
    faults.push(
      SUBDOMAIN_RE.test(value)
        ? "must not contain dots"
        : pattern(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            LABEL,
            "my-name",
            "123-abc",
          ),
    );
  }
  return faults;
}

export function dnsSubdomainFaults(value: string): string[] {
  const faults = tooLong(value, SUBDOMAIN_BYTES_MAX);
  if (!SUBDOMAIN_RE.test(value)) {
    faults.push(
      pattern(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        SUBDOMAIN,
        "example.com",
      ),
    );
  }
  return faults;
}

const WILDCARD = `\\*\\.${SUBDOMAIN}`;
const WILDCARD_RE = new RegExp(`^${WILDCARD}$`);

/** "*.example.com" */
export function wildcardSubdomainFaults(value: string): string[] {
  const faults = tooLong(value, SUBDOMAIN_BYTES_MAX);
  if (!WILDCARD_RE.test(value)) {
    faults.push(
      pattern(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        WILDCARD,
        "*.example.com",
      ),
    );
  }
  return faults;
}

export function dns1035LabelFaults(value: string): string[] {
  const faults = tooLong(value, LABEL_BYTES_MAX, "characters");
  if (!LABEL_1035_RE.test(value)) {
    faults.push(
      pattern(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        LABEL_1035,
        "my-name",
        "abc-123",
      ),
    );
  }
  return faults;
}

/** Names that only have to fit into a path, e.g. those of RBAC roles. */
export function pathSegmentFaults(value: string, prefix = false): string[] {
  if (!prefix && (value === "." || value === "..")) return [`may not be '${value}'`];
  return ["/", "%"].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

const LABEL_KEY_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const LABEL_KEY_FAULT = pattern(LABEL_KEY_TEXT, LABEL_KEY, "MyName", "my.name", "123-abc");

/** Keys of labels, annotations and taints, finalizers: a "qualified name", `[prefix/]name`. */
export function qualifiedNameFaults(value: string): string[] {
  const parts = value.split("/");
  if (parts.length > 2) {
    return [
      `a valid label key ${LABEL_KEY_FAULT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const faults: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    const wrong = prefix === "" ? ["must be non-empty"] : dnsSubdomainFaults(prefix);
    faults.push(...wrong.map((fault) => `prefix part ${fault}`));
  }
  const name = parts.at(-1) ?? "";
  if (name === "") faults.push("name part must be non-empty");
  else faults.push(...tooLong(name, LABEL_BYTES_MAX).map((fault) => `name part ${fault}`));
  if (!LABEL_KEY_RE.test(name)) faults.push(`name part ${LABEL_KEY_FAULT}`);
  return faults;
}

export function labelValueFaults(value: string): string[] {
  const faults = tooLong(value, LABEL_BYTES_MAX);
  if (!LABEL_VALUE_RE.test(value)) {
    faults.push(
      pattern(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        LABEL_VALUE,
        "MyValue",
        "my_value",
        "12345",
      ),
    );
  }
  return faults;
}

function changeDirectoryFaults(value: string): string[] {
  if (value === "." || value === "..") return [`must not be '${value}'`];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

/** Keys of ConfigMaps and Secrets: they become file names. */
export function configKeyFaults(value: string): string[] {
  const faults = tooLong(value, SUBDOMAIN_BYTES_MAX, "characters");
  if (!CONFIG_KEY_RE.test(value)) {
    faults.push(
      pattern(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        CONFIG_KEY,
        "key.name",
        "KEY_NAME",
        "key-name",
      ),
    );
  }
  return [...faults, ...changeDirectoryFaults(value)];
}

/** Since Kubernetes 1.34 everything printable in ASCII but "=". */
export function envVarNameFaults(value: string): string[] {
  if (value === "") return ["environment variable name must be non-empty"];
  return /^[\x20-\x3c\x3e-\x7e]*$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function portNumberFaults(value: number): string[] {
  return outsideOf(value, 1, 65_535);
}

export function portNameFaults(value: string): string[] {
  const faults = tooLong(value, PORT_NAME_CHARACTERS_MAX, "characters");
  if (!/^[-a-z0-9]+$/.test(value))
    faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) faults.push("must contain at least one letter (a-z)");
  if (value.includes("--")) faults.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) faults.push("must not begin or end with a hyphen");
  return faults;
}

export function percentFaults(value: string): string[] {
  if (/^[0-9]+%$/.test(value)) return [];
  const text = "a valid percent string must be a numeric string followed by an ending '%'";
  return [pattern(text, PERCENT, "1%", "93%")];
}

const C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*";

/** How long one may be is for the caller to say. */
export function cIdentifierFaults(value: string): string[] {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) return [];
  const text =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return [pattern(text, C_IDENTIFIER, "my_name", "MY_NAME", "MyName")];
}

const CONDITION_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";

export function conditionReasonFaults(value: string): string[] {
  if (/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/.test(value)) return [];
  const text =
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
  return [pattern(text, CONDITION_REASON, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")];
}

export function httpHeaderNameFaults(value: string): string[] {
  if (/^[-A-Za-z0-9]+$/.test(value)) return [];
  return [pattern("a valid HTTP header must consist of alphanumeric characters or '-'", HEADER, "X-Header-Name")];
}

/** "example.com/controller": IsDomainPrefixedPath. The text goes without the path. */
export function domainPathFaults(value: string): string[] {
  const slash = value.indexOf("/");
  if (slash <= 0 || slash === value.length - 1) {
    return [`must be a domain-prefixed path (such as "acme.io/foo")`];
  }
  const path = value.slice(slash + 1);
  const faults = dnsSubdomainFaults(value.slice(0, slash));
  return /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path)
    ? faults
    : [...faults, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"];
}

/** An address in the one right form: IsValidIP of k8s.io/apimachinery. */
function canonicalIpFaults(value: string): string[] {
  if (!isIpv4(value) && !isIpv6(value)) return [IP_FAULT];
  const canonical = canonicalIp(value);
  return value === canonical ? [] : [`must be in canonical form ("${canonical}")`];
}

/** Which of the above a kind's names follow; see registry/strategy.ts. */
export type NameRule = "dns-subdomain" | "dns-label" | "dns-1035-label" | "path-segment" | "ip-address";

/** `prefix`: the text is a generateName, to which characters will be added, so it may end with a dash. */
export function nameFaults(rule: NameRule, name: string, { prefix = false } = {}): string[] {
  if (rule === "path-segment") return pathSegmentFaults(name, prefix);
  if (rule === "ip-address") return canonicalIpFaults(name);
  const masked = prefix && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name;
  if (rule === "dns-label") return dnsLabelFaults(masked);
  return rule === "dns-1035-label" ? dns1035LabelFaults(masked) : dnsSubdomainFaults(masked);
}
