/**
 * Issuers outside whose tokens a cluster believes: AuthenticationConfiguration (apiserver.config.k8s.io/v1,
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration), read strictly. What is not
 * offered (`anonymous`, `egressSelectorType`) is refused and not passed over.
 */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { compileMappings, type ClaimsMapping } from "./mapping.ts";
import { issuerErrors, type IssuerRules } from "./validation.ts";

export interface Issuer {
  url: string;
  discoveryURL?: string;
  /** PEM. */
  certificateAuthority?: string;
  audiences?: string[];
  audienceMatchPolicy?: string;
}

export interface PrefixedClaimOrExpression {
  claim?: string;
  prefix?: string;
  expression?: string;
}

export interface JwtAuthenticator {
  issuer: Issuer;
  claimValidationRules?: { claim?: string; requiredValue?: string; expression?: string; message?: string }[];
  claimMappings: {
    username: PrefixedClaimOrExpression;
    groups?: PrefixedClaimOrExpression;
    uid?: { claim?: string; expression?: string };
    extra?: { key?: string; valueExpression?: string }[];
  };
  userValidationRules?: { expression?: string; message?: string }[];
}

/** One issuer that was found to be sound. */
export interface CompiledIssuer {
  issuer: Issuer;
  mapping: ClaimsMapping;
}

export type ReadConfiguration = { issuers: readonly CompiledIssuer[] } | { errors: readonly FieldError[] };

/** That Kubernetes allows. */
export const ISSUERS_MAX = 64;
const VERSIONS = ["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1"];

/** `value`: as JSON or YAML has it. Never throws, whatever it is. */
export function readConfiguration(value: unknown, rules: IssuerRules): ReadConfiguration {
  const errors: FieldError[] = [];
  const read = shaped(value, CONFIGURATION, "", errors) as {
    apiVersion?: string;
    kind?: string;
    jwt?: JwtAuthenticator[];
  };
  if (errors.length > 0) return { errors };
  const { apiVersion = "", kind = "", jwt = [] } = read;
  if (!VERSIONS.includes(apiVersion)) errors.push(fieldError.notSupported("apiVersion", apiVersion, VERSIONS));
  if (kind !== "AuthenticationConfiguration") {
    errors.push(fieldError.notSupported("kind", kind, ["AuthenticationConfiguration"]));
  }
  if (jwt.length > rules.issuersMax) {
    errors.push(fieldError.invalid("jwt", jwt.length, `must have at most ${rules.issuersMax} items`));
    return { errors };
  }
  errors.push(...issuerErrors(jwt, rules));
  const issuers = jwt.map((one, index): CompiledIssuer => {
    const compiled = compileMappings(one, { path: `jwt[${index}]`, reservedPrefixes: rules.reservedPrefixes });
    errors.push(...compiled.errors);
    return { issuer: one.issuer, mapping: compiled.mapping };
  });
  return errors.length > 0 ? { errors } : { issuers };
}

/** For people: one line a fault, the first ones. */
export function configurationFault(errors: readonly FieldError[]): string {
  return errors
    .slice(0, 10)
    .map(({ field, message }) => (field === "" ? message : `${field}: ${message}`))
    .join("; ");
}

type Shape = "string" | { items: Shape } | { members: Readonly<Record<string, Shape>>; required?: readonly string[] };

const CLAIM: Shape = { members: { claim: "string", prefix: "string", expression: "string" } };
const CONFIGURATION: Shape = {
  members: {
    apiVersion: "string",
    kind: "string",
    jwt: {
      items: {
        members: {
          issuer: {
            members: {
              url: "string",
              discoveryURL: "string",
              certificateAuthority: "string",
              audiences: { items: "string" },
              audienceMatchPolicy: "string",
            },
            required: ["url"],
          },
          claimValidationRules: {
            items: { members: { claim: "string", requiredValue: "string", expression: "string", message: "string" } },
          },
          claimMappings: {
            members: {
              username: CLAIM,
              groups: CLAIM,
              uid: { members: { claim: "string", expression: "string" } },
              extra: { items: { members: { key: "string", valueExpression: "string" } } },
            },
            required: ["username"],
          },
          userValidationRules: { items: { members: { expression: "string", message: "string" } } },
        },
        required: ["issuer", "claimMappings"],
      },
    },
  },
};

/** A copy without what is null; faults are added to `errors`. */
function shaped(value: unknown, shape: Shape, field: string, errors: FieldError[]): unknown {
  if (shape === "string") {
    if (typeof value !== "string") errors.push(fieldError.invalid(field, value, "must be a string"));
    return value;
  }
  if ("items" in shape) {
    if (Array.isArray(value))
      return value.map((item, index) => shaped(item, shape.items, `${field}[${index}]`, errors));
    errors.push(fieldError.invalid(field, value, "must be a list"));
    return [];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    errors.push(fieldError.invalid(field, value, "must be an object"));
    return {};
  }
  const at = (name: string): string => (field === "" ? name : `${field}.${name}`);
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  for (const name of shape.required ?? []) {
    if (!members.some(([known]) => known === name)) errors.push(fieldError.required(at(name)));
  }
  const known = Object.entries(shape.members).flatMap(([name, of]) => {
    const found = members.find(([member]) => member === name);
    return found ? [[name, shaped(found[1], of, at(name), errors)]] : [];
  });
  const unknown = members.filter(([name]) => !Object.hasOwn(shape.members, name));
  for (const [name] of unknown) errors.push(fieldError.forbidden(at(name.slice(0, 64)), "the field is unknown here"));
  return Object.fromEntries(known) as unknown;
}
