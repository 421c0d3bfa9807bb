/**
 * From claims to a user: claimMappings, claimValidationRules and userValidationRules of an AuthenticationConfiguration, as
 * k8s.io/apiserver/plugin/pkg/authenticator/token/oidc evaluates them.
 */
import type { CompiledExpression } from "../../cel/environment.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import type { User } from "../authenticator.ts";
import type { JwtAuthenticator, PrefixedClaimOrExpression } from "./configuration.ts";
import {
  ClaimsRefused,
  createEvaluation,
  createExpressions,
  readsClaim,
  textsOf,
  type Evaluation,
  type Expressions,
} from "./expressions.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** @throws ClaimsRefused */
export type ClaimsMapping = (claims: Claims) => User;

export interface CompileOptions {
  /** "jwt[0]" */
  path: string;
  reservedPrefixes: readonly string[];
}

const GROUPS_MAX = 1_000;
const NAME_CHARACTERS_MAX = 1_024;
const RULES_MAX = 64;

/** What a token says, and what may still be asked about it. */
interface Token extends Evaluation {
  claims: Claims;
}

interface Compiled {
  username: (token: Token) => string;
  groups: (token: Token) => string[];
  /** "" where groups are of no claim. */
  groupsClaim: string;
  uid: (token: Token) => string;
  extra: readonly { key: string; values: (token: Token) => string[] }[];
  required: readonly { claim: string; value: string }[];
  rules: readonly { compiled: CompiledExpression; message: string }[];
  userRules: readonly { compiled: CompiledExpression; message: string }[];
}

/** The mapping is of use only where there are no errors. */
export function compileMappings(
  jwt: JwtAuthenticator,
  options: CompileOptions,
): { mapping: ClaimsMapping; errors: FieldError[] } {
  const expressions = createExpressions();
  const compiler = new Compiler(jwt, expressions, options.path);
  const compiled = compiler.compiled();
  return { mapping: (claims) => mapped(compiled, claims, options.reservedPrefixes), errors: expressions.errors };
}

class Compiler {
  private readonly jwt: JwtAuthenticator;
  private readonly expressions: Expressions;
  private readonly path: string;
  /** Where the claim `email_verified` is looked at, if a name is made of `email`. */
  private readsVerified = false;
  private usernameExpression: CompiledExpression | undefined;

  constructor(jwt: JwtAuthenticator, expressions: Expressions, path: string) {
    this.jwt = jwt;
    this.expressions = expressions;
    this.path = path;
  }

  compiled(): Compiled {
    const { claimMappings } = this.jwt;
    const at = `${this.path}.claimMappings`;
    const compiled = {
      ...this.validationRules(),
      username: this.username(claimMappings.username, `${at}.username`),
      groups: this.groups(claimMappings.groups ?? {}, `${at}.groups`),
      groupsClaim: claimMappings.groups?.claim ?? "",
      uid: this.uid(claimMappings.uid ?? {}, `${at}.uid`),
      extra: this.extra(`${at}.extra`),
      userRules: this.userRules(),
    };
    this.checkEmail(`${at}.username.expression`);
    return compiled;
  }

  private username(mapping: PrefixedClaimOrExpression, field: string): Compiled["username"] {
    const { claim = "", expression = "", prefix = "" } = mapping;
    if (claim === "" && expression === "") this.fault(fieldError.required(field, "claim or expression is required"));
    const compiled = this.claimOrExpression(mapping, field);
    this.usernameExpression = compiled;
    if (compiled) return (token) => text(token.ofClaims(compiled), "username");
    return ({ claims }) => prefix + nameOfClaim(claims, claim);
  }

  private groups(mapping: PrefixedClaimOrExpression, field: string): Compiled["groups"] {
    const { claim = "", prefix = "" } = mapping;
    const compiled = this.claimOrExpression(mapping, field);
    if (compiled) return (token) => textsOf(token.ofClaims(compiled));
    return ({ claims }) => (claim === "" ? [] : groupsOfClaim(claims, claim).map((group) => prefix + group));
  }

  private claimOrExpression(mapping: PrefixedClaimOrExpression, field: string): CompiledExpression | undefined {
    const { claim = "", expression = "", prefix } = mapping;
    if (claim !== "" && expression !== "") {
      this.fault(fieldError.invalid(field, "", "claim and expression can't both be set"));
    } else if (expression !== "") {
      if (prefix !== undefined) {
        this.fault(fieldError.invalid(`${field}.prefix`, prefix, "may not be specified when expression is set"));
      }
      return this.ofClaims(expression, `${field}.expression`);
    } else if (claim !== "" && prefix === undefined) {
      const why = "prefix is required when claim is set. It can be set to an empty string to disable prefixing";
      this.fault(fieldError.required(`${field}.prefix`, why));
    }
    return undefined;
  }

  private uid(
    { claim = "", expression = "" }: { claim?: string; expression?: string },
    field: string,
  ): Compiled["uid"] {
    if (claim !== "" && expression !== "") {
      this.fault(fieldError.invalid(field, "", "claim and expression can't both be set"));
    }
    const compiled = expression === "" ? undefined : this.ofClaims(expression, `${field}.expression`);
    if (compiled) return (token) => text(token.ofClaims(compiled), "uid");
    return ({ claims }) => (claim === "" ? "" : textClaim(claims, claim));
  }

  private extra(path: string): Compiled["extra"] {
    const { extra = [] } = this.jwt.claimMappings;
    this.few(extra, path);
    return extra.slice(0, RULES_MAX).flatMap(({ key = "", valueExpression = "" }, index) => {
      const field = `${path}[${index}]`;
      for (const why of extraKeyFaults(key)) this.fault(fieldError.invalid(`${field}.key`, key, why));
      if (extra.findIndex((one) => one.key === key) < index) this.fault(fieldError.duplicate(`${field}.key`, key));
      if (valueExpression === "") {
        this.fault(fieldError.required(`${field}.valueExpression`));
        return [];
      }
      const compiled = this.ofClaims(valueExpression, `${field}.valueExpression`);
      if (!compiled) return [];
      this.readsVerified ||= readsClaim(compiled, "email_verified");
      return [{ key, values: (token: Token) => textsOf(token.ofClaims(compiled)) }];
    });
  }

  private validationRules(): Pick<Compiled, "required" | "rules"> {
    const required: { claim: string; value: string }[] = [];
    const rules: { compiled: CompiledExpression; message: string }[] = [];
    const { claimValidationRules: all = [] } = this.jwt;
    this.few(all, `${this.path}.claimValidationRules`);
    all.slice(0, RULES_MAX).forEach(({ claim = "", requiredValue = "", expression = "", message = "" }, index) => {
      const field = `${this.path}.claimValidationRules[${index}]`;
      const fault = ruleFault({ claim, requiredValue, expression, message }, field);
      if (fault) this.fault(fault);
      else if (claim !== "") {
        if (required.some((one) => one.claim === claim)) this.fault(fieldError.duplicate(`${field}.claim`, claim));
        required.push({ claim, value: requiredValue });
      } else {
        if (rules.some(({ compiled }) => compiled.source === expression)) {
          this.fault(fieldError.duplicate(`${field}.expression`, expression));
        }
        const compiled = this.expressions.ofClaims(expression, { field: `${field}.expression`, wanted: "bool" });
        if (!compiled) return;
        this.readsVerified ||= readsClaim(compiled, "email_verified");
        rules.push({ compiled, message });
      }
    });
    return { required, rules };
  }

  private userRules(): Compiled["userRules"] {
    const { userValidationRules: all = [] } = this.jwt;
    const path = `${this.path}.userValidationRules`;
    this.few(all, path);
    return all.slice(0, RULES_MAX).flatMap(({ expression = "", message = "" }, index) => {
      const field = `${path}[${index}].expression`;
      if (expression === "") {
        this.fault(fieldError.required(field));
        return [];
      }
      if (all.findIndex((one) => one.expression === expression) < index) {
        this.fault(fieldError.duplicate(field, expression));
        return [];
      }
      const compiled = this.expressions.ofUser(expression, { field });
      return compiled ? [{ compiled, message }] : [];
    });
  }

  private checkEmail(field: string): void {
    const compiled = this.usernameExpression;
    if (!compiled || !readsClaim(compiled, "email")) return;
    if (this.readsVerified || readsClaim(compiled, "email_verified")) return;
    this.fault(fieldError.invalid(field, compiled.source, EMAIL_UNVERIFIED));
  }

  private ofClaims(source: string, field: string): CompiledExpression | undefined {
    return this.expressions.ofClaims(source, { field, wanted: "any" });
  }

  private few(all: readonly unknown[], field: string): void {
    if (all.length > RULES_MAX)
      this.fault(fieldError.invalid(field, all.length, `must have at most ${RULES_MAX} items`));
  }

  private fault(error: FieldError): void {
    this.expressions.errors.push(error);
  }
}

const EMAIL_UNVERIFIED =
  "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression";

type Rule = Readonly<Record<"claim" | "requiredValue" | "expression" | "message", string>>;

function ruleFault({ claim, requiredValue, expression, message }: Rule, field: string): FieldError | undefined {
  if (claim !== "" && expression !== "")
    return fieldError.invalid(field, claim, "claim and expression can't both be set");
  if (claim === "" && expression === "") return fieldError.required(field, "claim or expression is required");
  if (claim !== "" && message !== "") {
    return fieldError.invalid(`${field}.message`, message, "may not be specified when claim is set");
  }
  if (expression !== "" && requiredValue !== "") {
    return fieldError.invalid(`${field}.requiredValue`, requiredValue, "may not be specified when expression is set");
  }
  return undefined;
}

/** IsDomainPrefixedPath of k8s.io/apimachinery/pkg/util/validation, in short, and what Kubernetes keeps for itself. */
function extraKeyFaults(key: string): string[] {
  const match = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.exec(key);
  const [, domain = ""] = match ?? [];
  if (!match || !domain.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) {
    return [key === key.toLowerCase() ? 'must be a domain-prefixed path (such as "acme.io/foo")' : "must be lowercase"];
  }
  if (key !== key.toLowerCase()) return ["must be lowercase"];
  const isOf = (own: string): boolean => domain === own || domain.endsWith(`.${own}`);
  if (isOf("gantry.dev")) return ["gantry.dev and its subdomains are reserved for Gantry itself"];
  return isOf("kubernetes.io") || isOf("k8s.io")
    ? ["k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"]
    : [];
}

function mapped(compiled: Compiled, claims: Claims, reservedPrefixes: readonly string[]): User {
  if (areGroupsElsewhere(compiled, claims)) throw new ClaimsRefused("distributed claims are not fetched");
  const token: Token = { claims, ...createEvaluation(claims) };
  const name = compiled.username(token);
  const groups = [...new Set(compiled.groups(token))];
  const uid = compiled.uid(token);
  const extra = extraOf(compiled, token);
  for (const { claim, value } of compiled.required) {
    if (textClaim(claims, claim) !== value) throw new ClaimsRefused(`required claim ${claim} value does not match`);
  }
  for (const { compiled: rule, message } of compiled.rules) {
    if (token.ofClaims(rule) !== true)
      throw new ClaimsRefused(`validation expression '${rule.source}' failed: ${message}`);
  }
  assertNames([name], reservedPrefixes);
  if (groups.length > GROUPS_MAX) throw new ClaimsRefused("too many groups");
  assertNames(groups, reservedPrefixes);
  const shown = { username: name, uid, groups, extra };
  for (const { compiled: rule, message } of compiled.userRules) {
    if (token.ofUser(rule, shown) !== true)
      throw new ClaimsRefused(`validation expression '${rule.source}' failed: ${message}`);
  }
  return {
    name,
    groups,
    ...(uid === "" ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** By which Kubernetes names the credential that was used. */
const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";

function extraOf({ extra }: Compiled, token: Token): Record<string, string[]> {
  const { jti } = token.claims;
  const all: [string, string[]][] = typeof jti === "string" && jti !== "" ? [[CREDENTIAL_ID, [`JTI=${jti}`]]] : [];
  for (const { key, values } of extra) {
    const found = values(token);
    if (found.length > 0) all.push([key, found]);
  }
  return Object.fromEntries(all);
}

/** OpenID Connect Core 1.0, 5.6.2: groups that the issuer wants to be asked for elsewhere. Without them the user would not be the same. */
function areGroupsElsewhere({ groupsClaim }: Compiled, claims: Claims): boolean {
  if (groupsClaim === "" || Object.hasOwn(claims, groupsClaim)) return false;
  const names: unknown = claims["_claim_names"];
  return typeof names === "object" && names !== null && Object.hasOwn(names, groupsClaim);
}

function assertNames(names: readonly string[], reservedPrefixes: readonly string[]): void {
  for (const name of names) {
    if (name === "" || name.length > NAME_CHARACTERS_MAX) throw new ClaimsRefused("a name is empty or too long");
    const reserved = reservedPrefixes.find((prefix) => name.startsWith(prefix));
    if (reserved !== undefined)
      throw new ClaimsRefused(`names that begin with ${reserved} are not for users of outside`);
  }
}

function nameOfClaim(claims: Claims, claim: string): string {
  const name = textClaim(claims, claim);
  const { email_verified: verified } = claims;
  if (claim === "email" && verified !== undefined && verified !== true) throw new ClaimsRefused("email not verified");
  if (name === "") throw new ClaimsRefused(`claim ${claim} is empty`);
  return name;
}

function groupsOfClaim(claims: Claims, claim: string): string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new ClaimsRefused(`claim ${claim} is neither a string nor a list of strings`);
}

function textClaim(claims: Claims, claim: string): string {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (typeof value !== "string") throw new ClaimsRefused(`claim ${claim} is not there, or no string`);
  return value;
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw new ClaimsRefused(`${what} claim expression must return a string`);
  if (what === "username" && value === "") throw new ClaimsRefused("empty username via CEL expression is not allowed");
  return value;
}
