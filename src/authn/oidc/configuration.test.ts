import { describe, expect, it } from "vitest";
import { configurationOf } from "../../../test/harness/issuer.ts";
import { readConfiguration } from "./configuration.ts";
import { ClaimsRefused } from "./expressions.ts";
import type { Claims } from "./mapping.ts";
import type { IssuerRules } from "./validation.ts";

const RULES: IssuerRules = {
  issuersMax: 3,
  disallowedIssuers: ["https://own.example.com"],
  reservedPrefixes: ["system:"],
  publicAddressesOnly: false,
  takesCertificateAuthority: true,
};
const ISSUER = { url: "https://issuer.example.com" };

function faults(value: unknown, rules: Partial<IssuerRules> = {}): string[] {
  const read = readConfiguration(value, { ...RULES, ...rules });
  return "errors" in read ? read.errors.map(({ field, message }) => `${field}: ${message}`) : [];
}

const of = (issuer: object) => configurationOf(ISSUER, { issuer });
const mapping = (claimMappings: object) => configurationOf(ISSUER, { claimMappings });
const rule = (one: object) => configurationOf(ISSUER, { claimValidationRules: [one] });
const userRule = (one: object) => configurationOf(ISSUER, { userValidationRules: [one] });

describe("what is refused", () => {
  it.each<[what: string, value: unknown, fault: string | RegExp]>([
    ["nothing", null, /^: Invalid value: .*must be an object/],
    ["a list", [], /must be an object/],
    ["another version", { ...of({}), apiVersion: "v1" }, /^apiVersion: Unsupported value: "v1"/],
    ["another kind", { ...of({}), kind: "Other" }, /^kind: Unsupported value: "Other"/],
    [
      "what is not offered",
      { ...of({}), anonymous: { enabled: true } },
      "anonymous: Forbidden: the field is unknown here",
    ],
    ["a misspelt field", of({ audience: "a" }), "jwt[0].issuer.audience: Forbidden: the field is unknown here"],
    ["no list of issuers", { ...of({}), jwt: {} }, /^jwt: .*must be a list/],
    ["no issuer", { ...of({}), jwt: [{ claimMappings: { username: {} } }] }, "jwt[0].issuer: Required value"],
    ["too many", { ...of({}), jwt: Array.from({ length: 4 }, () => of({}).jwt[0]) }, /must have at most 3 items/],
    ["the same twice", { ...of({}), jwt: [...of({}).jwt, ...of({}).jwt] }, /^jwt\[1\].issuer.url: Duplicate value/],
    ["no URL", of({ url: "" }), "jwt[0].issuer.url: Required value"],
    ["one that is none", of({ url: "issuer" }), /is no URL/],
    ["HTTP", of({ url: "http://issuer.example.com" }), /URL scheme must be https/],
    ["a password", of({ url: "https://a:b@issuer.example.com" }), /must not contain a username or password/],
    ["a query", of({ url: "https://issuer.example.com?a=b" }), /must not contain a query/],
    ["a fragment", of({ url: "https://issuer.example.com#a" }), /must not contain a fragment/],
    ["the cluster itself", of({ url: "https://own.example.com" }), /URL must not overlap with disallowed issuers/],
    ["discovery at the issuer", of({ discoveryURL: `${ISSUER.url}/` }), /discoveryURL must be different from URL/],
    ["no audience", of({ audiences: [] }), /^jwt\[0\].issuer.audiences: Required value/],
    ["an empty audience", of({ audiences: [""] }), "jwt[0].issuer.audiences[0]: Required value"],
    ["an audience twice", of({ audiences: ["a", "a"], audienceMatchPolicy: "MatchAny" }), /audiences\[1\]: Duplicate/],
    ["several without a policy", of({ audiences: ["a", "b"] }), /must be MatchAny for multiple audiences/],
    ["another policy", of({ audienceMatchPolicy: "MatchAll" }), /must be empty or MatchAny for single audience/],
    ["an authority that is none", of({ certificateAuthority: "x" }), /does not contain any valid/],
    [
      "no name",
      mapping({ username: {} }),
      "jwt[0].claimMappings.username: Required value: claim or expression is required",
    ],
    [
      "a name of both",
      mapping({ username: { claim: "a", expression: "'b'" } }),
      /claim and expression can't both be set/,
    ],
    [
      "a claim without a prefix",
      mapping({ username: { claim: "sub" } }),
      /username.prefix: Required value: prefix is required/,
    ],
    [
      "a prefix of an expression",
      mapping({ username: { expression: "'a'", prefix: "" } }),
      /may not be specified when expression/,
    ],
    ["a uid of both", mapping({ uid: { claim: "a", expression: "'b'" } }), /uid: .*can't both be set/],
    [
      "what does not compile",
      mapping({ username: { expression: "claims." } }),
      /^jwt\[0\].claimMappings.username.expression: .*compilation failed/,
    ],
    ["what knows no user", mapping({ username: { expression: "user.username" } }), /undeclared reference to 'user'/],
    [
      "an unverified address",
      mapping({ username: { expression: "claims.email" } }),
      /claims.email_verified must be used/,
    ],
    [
      "the same, optionally",
      mapping({ username: { expression: "claims.?email.orValue('')" } }),
      /claims.email_verified must be used/,
    ],
    [
      "an extra without a domain",
      mapping({ extra: [{ key: "a", valueExpression: "'b'" }] }),
      /must be a domain-prefixed path/,
    ],
    ["one in upper case", mapping({ extra: [{ key: "a.b/C", valueExpression: "'b'" }] }), /must be lowercase/],
    [
      "one of Kubernetes",
      mapping({ extra: [{ key: "x.k8s.io/a", valueExpression: "'b'" }] }),
      /reserved for Kubernetes use/,
    ],
    [
      "one of Gantry",
      mapping({ extra: [{ key: "authentication.gantry.dev/node-key", valueExpression: "'b'" }] }),
      /reserved for Gantry/,
    ],
    ["one without a value", mapping({ extra: [{ key: "a.b/c" }] }), /valueExpression: Required value/],
    ["an empty rule", rule({}), /claim or expression is required/],
    ["a rule of both", rule({ claim: "a", expression: "true" }), /can't both be set/],
    ["a message of a claim", rule({ claim: "a", message: "b" }), /message: .*may not be specified when claim is set/],
    [
      "a value of an expression",
      rule({ expression: "true", requiredValue: "b" }),
      /may not be specified when expression is set/,
    ],
    ["a rule that is no bool", rule({ expression: "claims.sub" }), /must evaluate to bool/],
    [
      "a rule about users that knows no claims",
      userRule({ expression: "claims.sub == ''" }),
      /undeclared reference to 'claims'/,
    ],
    ["one about a field that users lack", userRule({ expression: "user.name == ''" }), /undefined field 'name'/],
    ["expressions without end", rule({ expression: `"${"x".repeat(40_000)}" == ""` }), /exceeds limit/],
  ])("%s", (_, value, fault) => {
    expect(faults(value).join("\n")).toMatch(fault);
  });

  it.each([
    "https://127.0.0.1/a",
    "https://[::1]/",
    "https://169.254.169.254/latest",
    "https://10.1.2.3:8443",
    "https://[::ffff:10.0.0.1]/",
    "https://localhost",
    "https://localhost.",
    "https://issuer.localhost",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://kubernetes.default.svc",
    "https://vault.internal",
    "https://intranet",
  ])("an address that is somebody's own, for strangers: %s", (url) => {
    expect(faults(of({ url }), { publicAddressesOnly: true }).join()).toMatch(/URL must be of a public host/);
    expect(faults(of({ url }))).toEqual([]);
  });

  it("an authority where none can be given", () => {
    const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    expect(faults(of({ certificateAuthority: pem }))).toEqual([]);
    expect(faults(of({ certificateAuthority: pem }), { takesCertificateAuthority: false }).join()).toMatch(
      /public authorities alone/,
    );
  });
});

function userOf(configuration: object, claims: Claims) {
  const read = readConfiguration(configuration, RULES);
  if ("errors" in read) throw new Error(JSON.stringify(read.errors));
  return read.issuers[0]?.mapping(claims);
}

describe("who somebody is", () => {
  it.each<[what: string, configuration: object, claims: Claims, user: object]>([
    ["claims with prefixes", of({}), { sub: "a", groups: ["b"] }, { name: "ext:a", groups: ["ext:b"] }],
    ["one group as a text", of({}), { sub: "a", groups: "b" }, { name: "ext:a", groups: ["ext:b"] }],
    ["no groups", of({}), { sub: "a" }, { name: "ext:a", groups: [] }],
    [
      "a verified address",
      mapping({ username: { claim: "email", prefix: "" } }),
      { email: "a@b.c", email_verified: true },
      { name: "a@b.c", groups: [] },
    ],
    [
      "one of which nothing is said",
      mapping({ username: { claim: "email", prefix: "" } }),
      { email: "a@b.c" },
      { name: "a@b.c" },
    ],
    [
      "expressions",
      mapping({
        username: { expression: "'u:' + claims.account.name" },
        groups: { expression: "claims.roles.filter(r, r.startsWith('k8s-')).map(r, r.substring(4))" },
        uid: { expression: "string(claims.id)" },
        extra: [
          { key: "a.b/tenants", valueExpression: "claims.tenants" },
          { key: "a.b/none", valueExpression: "claims.?nothing.orValue('')" },
        ],
      }),
      { account: { name: "a" }, roles: ["k8s-x", "y"], id: 7, tenants: ["t", ""] },
      { name: "u:a", groups: ["x"], uid: "7", extra: { "a.b/tenants": ["t"] } },
    ],
    [
      "an address by expression",
      configurationOf(ISSUER, {
        claimMappings: { username: { expression: "claims.email" } },
        claimValidationRules: [{ expression: "claims.?email_verified.orValue(true) == true" }],
      }),
      { email: "a@b.c" },
      { name: "a@b.c" },
    ],
    ["a required claim", rule({ claim: "hd", requiredValue: "b.c" }), { sub: "a", hd: "b.c" }, { name: "ext:a" }],
  ])("%s", (_, configuration, claims, user) => {
    expect(userOf(configuration, claims)).toMatchObject(user);
  });

  it.each<[what: string, configuration: object, claims: Claims]>([
    [
      "an address that is not verified",
      mapping({ username: { claim: "email", prefix: "" } }),
      { email: "a", email_verified: false },
    ],
    [
      "an address verified by word",
      mapping({ username: { claim: "email", prefix: "" } }),
      { email: "a", email_verified: "true" },
    ],
    ["an expression that fails", mapping({ username: { expression: "claims.nothing" } }), {}],
    ["one that gives no text", mapping({ username: { expression: "claims.sub" } }), { sub: 7 }],
    ["one that gives nothing", mapping({ username: { expression: "claims.sub" } }), { sub: "" }],
    ["groups of numbers", mapping({ groups: { expression: "claims.g" } }), { sub: "a", g: [1] }],
    ["a required claim of another value", rule({ claim: "hd", requiredValue: "b.c" }), { sub: "a", hd: "x" }],
    ["a required claim that is not there", rule({ claim: "hd" }), { sub: "a" }],
    ["a claim from the prototype", mapping({ username: { claim: "constructor", prefix: "" } }), {}],
    ["a name that is far too long", of({}), { sub: "a".repeat(2_000) }],
    [
      "expressions that cost too much",
      rule({ expression: "claims.g.all(a, claims.g.all(b, claims.g.all(c, a != b || b != c || a == c)))" }),
      { sub: "a", g: Array.from({ length: 1_000 }, (_, n) => n) },
    ],
  ])("%s: nobody", (_, configuration, claims) => {
    expect(() => userOf(configuration, claims)).toThrow(ClaimsRefused);
  });
});
