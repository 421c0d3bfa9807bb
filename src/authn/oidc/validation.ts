/** What an issuer must be: k8s.io/apiserver/pkg/apis/apiserver/validation, and where it may not be for those who cannot be trusted. */
import { isPublicAddress } from "../../machinery/public-address.ts";
import { isIpv4, isIpv6 } from "../../machinery/ip.ts";
import { pemBlocks } from "../../machinery/pem.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import type { Issuer, JwtAuthenticator } from "./configuration.ts";

export interface IssuerRules {
  issuersMax: number;
  /** The cluster's own: nobody outside speaks for it. */
  disallowedIssuers: readonly string[];
  /** What no user or group of outside is called: names that mean something inside begin so. */
  reservedPrefixes: readonly string[];
  /** Whoever configures it could reach what only the control plane reaches: addresses of private networks are refused. */
  publicAddressesOnly: boolean;
  /** False where the runtime verifies certificates by the public authorities alone (Workers). */
  takesCertificateAuthority: boolean;
}

/** Users and groups of the system itself. */
export const SYSTEM_PREFIX = "system:";
const URL_CHARACTERS_MAX = 2_048;
const AUDIENCES_MAX = 64;

/** Of `jwt`, without its mappings. */
export function issuerErrors(jwt: readonly JwtAuthenticator[], rules: IssuerRules): FieldError[] {
  const errors: FieldError[] = [];
  for (const member of ["url", "discoveryURL"] as const) {
    const urls = jwt.map(({ issuer }) => issuer[member] ?? "");
    urls.forEach((url, index) => {
      if (url !== "" && urls.indexOf(url) < index) {
        errors.push(fieldError.duplicate(`jwt[${index}].issuer.${member}`, url));
      }
    });
  }
  return [...jwt.flatMap(({ issuer }, index) => errorsOf(issuer, rules, `jwt[${index}].issuer`)), ...errors];
}

function errorsOf(issuer: Issuer, rules: IssuerRules, path: string): FieldError[] {
  const { url, discoveryURL = "", certificateAuthority = "" } = issuer;
  const errors: FieldError[] = [];
  if (url === "") errors.push(fieldError.required(`${path}.url`));
  else errors.push(...urlErrors(url, rules, `${path}.url`, rules.disallowedIssuers));
  if (discoveryURL !== "") {
    if (withoutSlashes(url) === withoutSlashes(discoveryURL)) {
      errors.push(fieldError.invalid(`${path}.discoveryURL`, discoveryURL, "discoveryURL must be different from URL"));
    }
    errors.push(...urlErrors(discoveryURL, rules, `${path}.discoveryURL`, []));
  }
  errors.push(...audienceErrors(issuer, path));
  if (certificateAuthority !== "")
    errors.push(...authorityErrors(certificateAuthority, rules, `${path}.certificateAuthority`));
  return errors;
}

function withoutSlashes(url: string): string {
  return url.replace(/\/+$/, "");
}

function urlErrors(url: string, rules: IssuerRules, field: string, disallowed: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (disallowed.includes(url)) {
    const why = `URL must not overlap with disallowed issuers: [${disallowed.join(" ")}]`;
    errors.push(fieldError.invalid(field, url, why));
  }
  const fault = url.length > URL_CHARACTERS_MAX ? "URL is too long" : urlFault(url, rules);
  if (fault !== undefined) errors.push(fieldError.invalid(field, url, fault));
  return errors;
}

/** Why nothing is fetched from there; also of addresses that an issuer names itself. */
export function urlFault(
  text: string,
  { publicAddressesOnly }: Pick<IssuerRules, "publicAddressesOnly">,
): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return "is no URL";
  }
  if (url.protocol !== "https:") return "URL scheme must be https";
  if (url.username !== "" || url.password !== "") return "URL must not contain a username or password";
  if (url.search !== "") return "URL must not contain a query";
  if (url.hash !== "") return "URL must not contain a fragment";
  return publicAddressesOnly && !mayBePublic(url.hostname) ? "URL must be of a public host" : undefined;
}

/** By its looks: what a name leads to is seen when it is dialled. */
function mayBePublic(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  if (isIpv4(host) || isIpv6(host)) return isPublicAddress(host);
  return host.includes(".") && !PRIVATE_NAMES.test(host);
}

/** RFC 6761, 6762 and 8375, what ICANN keeps for private use, and names of Services. */
const PRIVATE_NAMES = /\.(?:localhost|local|internal|intranet|private|corp|home|lan|home\.arpa|svc|cluster\.local)$/i;

function audienceErrors({ audiences = [], audienceMatchPolicy = "" }: Issuer, path: string): FieldError[] {
  const field = `${path}.audiences`;
  if (audiences.length === 0) return [fieldError.required(field, `at least one ${field} is required`)];
  if (audiences.length > AUDIENCES_MAX) {
    return [fieldError.invalid(field, audiences.length, `must have at most ${AUDIENCES_MAX} items`)];
  }
  const errors: FieldError[] = [];
  audiences.forEach((audience, index) => {
    if (audience === "") errors.push(fieldError.required(`${field}[${index}]`));
    if (audiences.indexOf(audience) < index) errors.push(fieldError.duplicate(`${field}[${index}]`, audience));
  });
  const policy = `${path}.audienceMatchPolicy`;
  if (audiences.length > 1 && audienceMatchPolicy !== "MatchAny") {
    const why = "audienceMatchPolicy must be MatchAny for multiple audiences";
    errors.push(fieldError.invalid(policy, audienceMatchPolicy, why));
  } else if (audienceMatchPolicy !== "" && audienceMatchPolicy !== "MatchAny") {
    const why = "audienceMatchPolicy must be empty or MatchAny for single audience";
    errors.push(fieldError.invalid(policy, audienceMatchPolicy, why));
  }
  return errors;
}

function authorityErrors(pem: string, { takesCertificateAuthority }: IssuerRules, field: string): FieldError[] {
  if (!takesCertificateAuthority) {
    return [fieldError.forbidden(field, "here certificates are verified by the public authorities alone")];
  }
  if (pemBlocks(pem).some(({ type }) => type === "CERTIFICATE")) return [];
  return [fieldError.invalid(field, "<omitted>", "data does not contain any valid RSA or ECDSA certificates")];
}
