/**
 * Text that a backtracking matcher would chew on for years: in selectors, names, amounts and patterns, and patterns that are made for it.
 * Patterns of users are matched in time that grows with the text (src/regexp); everything else has a bound, or a matcher that does not
 * go back. There is no clock here: exponential work on these would not end, quadratic work not within the test's time.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";

const CORE = "/api/v1/namespaces/default";
const LONG = 200_000;

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  await api.call(`${CORE}/serviceaccounts`, { method: "POST", body: { metadata: { name: "default" } } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

/** What makes a matcher go back: much of the same, and an end that does not fit. */
const PUMPS: Record<string, string> = {
  letters: `${"a".repeat(LONG)}!`,
  hyphens: `a${"-".repeat(LONG)}`,
  "letters and hyphens": `${"a-".repeat(LONG / 2)}!`,
  dots: `${"a.".repeat(LONG / 2)}!`,
  digits: `${"1".repeat(LONG)}x`,
  zeros: `${"0".repeat(LONG)}x`,
  signs: `${"+-".repeat(LONG / 2)}1`,
  blanks: `${" ".repeat(LONG)}x`,
  slashes: `${"/a".repeat(LONG / 2)}!`,
  colons: `${"0:".repeat(LONG / 2)}x`,
  commas: `${"a,".repeat(LONG / 2)}!`,
  exponents: `${"1e".repeat(LONG / 2)}!`,
  "at signs": `${"a@".repeat(LONG / 2)}!`,
  "percent signs": `${"%41".repeat(LONG / 3)}!`,
  quotes: `"${'\\"'.repeat(LONG / 2)}`,
  "line ends": `${"\n".repeat(LONG)}x`,
};

const meta = (more: object = {}): object => ({ name: "x", ...more });
const podWith = (container: object, spec: object = {}): object => ({
  metadata: meta(),
  spec: { containers: [{ name: "a", image: "i", ...container }], ...spec },
});

/** Where text of the client's is looked at. */
const PLACES: [string, string, (text: string) => object][] = [
  ["a name", `${CORE}/configmaps`, (name) => ({ metadata: { name } })],
  ["a generated name", `${CORE}/configmaps`, (generateName) => ({ metadata: { generateName } })],
  ["a label", `${CORE}/configmaps`, (text) => ({ metadata: meta({ labels: { a: text } }) })],
  ["a label's key", `${CORE}/configmaps`, (text) => ({ metadata: meta({ labels: { [text]: "a" } }) })],
  ["an annotation's key", `${CORE}/configmaps`, (text) => ({ metadata: meta({ annotations: { [text]: "a" } }) })],
  ["a finalizer", `${CORE}/configmaps`, (text) => ({ metadata: meta({ finalizers: [text] }) })],
  ["a key of data", `${CORE}/configmaps`, (text) => ({ metadata: meta(), data: { [text]: "a" } })],
  ["base64", `${CORE}/secrets`, (text) => ({ metadata: meta(), data: { a: text } })],
  ["an amount", `${CORE}/pods`, (text) => podWith({ resources: { limits: { cpu: text } } })],
  ["an image", `${CORE}/pods`, (text) => podWith({ image: text, imagePullPolicy: "Nope" })],
  ["a variable's name", `${CORE}/pods`, (text) => podWith({ env: [{ name: text, value: "x" }] })],
  ["a variable's value", `${CORE}/pods`, (text) => podWith({ env: [{ name: "$", value: `$(${text}` }] })],
  ["a path", `${CORE}/pods`, (text) => podWith({ volumeMounts: [{ name: "none", mountPath: text, subPath: text }] })],
  ["a port's name", `${CORE}/pods`, (text) => podWith({ ports: [{ name: text, containerPort: 80 }] })],
  ["a host's name", `${CORE}/pods`, (text) => podWith({}, { hostname: text, subdomain: text })],
  ["an address", `${CORE}/pods`, (text) => podWith({}, { hostAliases: [{ ip: text, hostnames: [text] }] })],
  [
    "a system call's profile",
    `${CORE}/pods`,
    (text) => podWith({}, { securityContext: { sysctls: [{ name: text, value: "1" }] } }),
  ],
  [
    "a cluster's address",
    `${CORE}/services`,
    (text) => ({ metadata: meta(), spec: { clusterIP: text, ports: [{ port: 80 }] } }),
  ],
  [
    "an external name",
    `${CORE}/services`,
    (externalName) => ({ metadata: meta(), spec: { type: "ExternalName", externalName } }),
  ],
  ["a range", "/apis/networking.k8s.io/v1/servicecidrs", (text) => ({ metadata: meta(), spec: { cidrs: [text] } })],
  [
    "a schedule",
    "/apis/batch/v1/namespaces/default/cronjobs",
    (schedule) => ({
      metadata: meta(),
      spec: { schedule, timeZone: schedule, jobTemplate: { spec: { template: { spec: { containers: [] } } } } },
    }),
  ],
  [
    "a host of an ingress",
    "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
    (host) => ({ metadata: meta(), spec: { rules: [{ host, http: { paths: [{ path: host, pathType: "Exact" }] } }] } }),
  ],
  [
    "a path of a role",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    (text) => ({ metadata: meta(), rules: [{ verbs: [], nonResourceURLs: [text] }] }),
  ],
  [
    "a time",
    `${CORE}/events`,
    (text) => ({ metadata: meta(), involvedObject: {}, firstTimestamp: text, eventTime: text }),
  ],
  [
    "a URL",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    (url) => ({
      metadata: meta(),
      webhooks: [{ name: "a.b.c", clientConfig: { url }, sideEffects: "None", admissionReviewVersions: ["v1"] }],
    }),
  ],
];

const cases = PLACES.flatMap(([place, path, make]) =>
  Object.entries(PUMPS).map(([name, text]) => [place, name, path, make(text)] as const),
);

describe("text that makes a matcher go back", () => {
  it.each(cases)("as %s: %s", async (_place, _name, path, body) => {
    const answer = await api.call(`${path}?dryRun=All`, { method: "POST", body });
    expect([201, 400, 403, 404, 413, 422], answer.text.slice(0, 500)).toContain(answer.status);
  });

  it.each(Object.entries(PUMPS))("in selectors, options and headers: %s", async (_name, text) => {
    const value = encodeURIComponent(text);
    for (const query of [
      "labelSelector=",
      "labelSelector=a in (",
      "labelSelector=!",
      "fieldSelector=metadata.name=",
      "continue=",
      "resourceVersion=",
      "limit=",
      "timeoutSeconds=",
      "fieldManager=",
      "pretty=",
      "dryRun=",
    ]) {
      const answer = await api.call(`${CORE}/configmaps?${query}${value}`);
      expect([200, 400, 410, 422, 504], `${query}: ${answer.text.slice(0, 300)}`).toContain(answer.status);
    }
    const plain = text.replaceAll("\n", "\t");
    for (const name of [
      "accept",
      "authorization",
      "impersonate-user",
      "content-type",
      "sec-websocket-protocol",
      "if-none-match",
      "user-agent",
      "accept-encoding",
    ]) {
      const answer = await api.call(`${CORE}/configmaps`, { headers: { [name]: plain } });
      expect(answer.status, `${name}: ${answer.text.slice(0, 300)}`).toBeLessThan(500);
    }
  });
});

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const definition = (property: object): object => ({
  metadata: { name: "things.x.test" },
  spec: {
    group: "x.test",
    scope: "Cluster",
    names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties: { a: property } } },
      },
    ],
  },
});

describe("a pattern of a user's", () => {
  const EVIL = [
    "^(a+)+$",
    "^(a|a)*$",
    "^(a|aa)+$",
    "^([a-z]+)*$",
    "^(.*a){20}$",
    "(x+x+)+y",
    "^((a*)*)*$",
    "(?:a?){30}a{30}",
    "^(a*)*b$",
    "(.*)*(.*)*(.*)*!",
  ];

  it.each(EVIL)("%s is matched in time that grows with the text", async (pattern) => {
    const subject = `${"a".repeat(30_000)}!`;
    const answer = await api.call(`${DEFINITIONS}?dryRun=All`, {
      method: "POST",
      body: definition({ type: "string", pattern, default: subject }),
    });
    // Whether the default fits is for the pattern to say.
    expect([201, 422], answer.text.slice(0, 500)).toContain(answer.status);
  });

  it.each([
    "(?=a)a",
    "(?<=a)b",
    "(a)\\1",
    "(?<n>a)\\k<n>",
    "a{1,100000}",
    "((a{1,100}){1,100}){1,100}",
    "(".repeat(2_000),
    "[",
    "a**",
    "\\",
  ])("%s is none", async (pattern) => {
    const answer = await api.call(`${DEFINITIONS}?dryRun=All`, {
      method: "POST",
      body: definition({ type: "string", pattern }),
    });
    expect(answer.status, answer.text.slice(0, 500)).toBe(422);
  });

  it.each(EVIL)("%s in an expression is matched alike, or costs too much", async (pattern) => {
    const rule = `self.matches('${pattern}')`;
    const answer = await api.call(`${DEFINITIONS}?dryRun=All`, {
      method: "POST",
      body: definition({
        type: "string",
        maxLength: 40_000,
        default: `${"a".repeat(30_000)}!`,
        "x-kubernetes-validations": [{ rule }],
      }),
    });
    expect([201, 422], answer.text.slice(0, 500)).toContain(answer.status);
  });
});
