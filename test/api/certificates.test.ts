/** Certificates that are asked for, approved, signed, shown and cleaned up: the signers of Kubernetes and kube-apiserver's client CA. */
// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it first
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClientCertificate } from "../../src/authn/client-certificate.ts";
import { createLoops, type Loops } from "../../src/loops.ts";
import type { CertificateSigningRequest } from "../../src/kinds/certificates/certificatesigningrequests/types.ts";
import { textFromBase64 } from "../../src/machinery/base64.ts";
import { assertFailure, createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";
import { derOf, keyedRequest } from "../harness/signing-requests.ts";

const PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

let api: TestCluster;
let other: TestCluster;
let loops: Loops;
let aheadMs = 0;
let made = 0;
const now = () => Date.now() + aheadMs;
const shown = new WeakMap<Request, ClientCertificate>();

beforeAll(async () => {
  const platform = { clock: { now } };
  api = await createTestCluster({ platform, clientCertificate: (request) => shown.get(request) });
  other = await createTestCluster({ platform });
  loops = createLoops({ cluster: api.cluster, app: api.app });
});
afterAll(async () => {
  await loops?.stop();
  expect(api.errors).toEqual([]);
  await api.stop();
  await other.stop();
});

type Csr = CertificateSigningRequest;
type Subject = Parameters<typeof keyedRequest>[0]["subject"];

const JANE: Subject = [
  ["O", "dev"],
  ["O", "ops"],
  ["CN", "jane"],
];
const SIGNER = "kubernetes.io/kube-apiserver-client";
const settle = async (of: Loops = loops) => await of.runOnce({ deadline: now() + 20_000 });

async function ask(spec: Partial<Csr["spec"]>, { on = api, token }: { on?: TestCluster; token?: string } = {}) {
  const request = spec.request ?? (await keyedRequest({ subject: JANE })).request;
  const body = {
    metadata: { name: `r-${made++}` },
    spec: { signerName: SIGNER, usages: ["client auth"], ...spec, request },
  };
  const answer = await on.call<Csr>(PATH, { method: "POST", body, ...(token === undefined ? {} : { token }) });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

async function decide({ metadata }: Csr, type: "Approved" | "Denied", on = api): Promise<void> {
  const path = `${PATH}/${metadata.name}/approval`;
  const { body } = await on.call<Csr>(path);
  const conditions = [{ type, status: "True", reason: "Told", message: "by the test" }];
  const { status, text } = await on.call(path, { method: "PUT", body: { ...body, status: { conditions } } });
  if (status !== 200) throw new Error(text);
}

const read = async ({ metadata }: Csr, on = api) => (await on.call<Csr>(`${PATH}/${metadata.name}`)).body;
const failure = ({ status }: Csr) => status?.conditions?.find(({ type }) => type === "Failed");

/** Approved and signed. */
async function issued(spec: Partial<Csr["spec"]> = {}): Promise<X509Certificate> {
  const request = await ask(spec);
  await decide(request, "Approved");
  await settle();
  const { status } = await read(request);
  if (!status?.certificate) throw new Error(JSON.stringify(status));
  return new X509Certificate(textFromBase64(status.certificate));
}

const approval = async (asked: Csr) => (await read(asked)).status?.conditions?.map(({ reason }) => reason);

const gone = async (one: Csr) => (await api.call(`${PATH}/${one.metadata.name}`)).status === 404;

const nodeRequest = async (commonName: string) => ({
  ...(await keyedRequest({
    subject: [
      ["O", "system:nodes"],
      ["CN", commonName],
    ],
  })),
});

async function someone(
  options: { subject?: Subject; usages?: string[]; lifetimeMs?: number; of?: TestCluster } = {},
): Promise<ClientCertificate> {
  const { subject = JANE, usages = ["client auth"], lifetimeMs = HOUR_MS, of = api } = options;
  const { der: request } = await keyedRequest({ subject });
  return { der: derOf(await of.cluster.keys.signCertificate({ request, usages, lifetimeMs })) };
}

/** As the connection would have it. */
async function send<T>(
  path: string,
  certificateShown: ClientCertificate | undefined,
  init: { method?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<Answer<T>> {
  const { method = "GET", body, headers = {} } = init;
  const request = new Request(`https://gantry.test:6443${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (certificateShown) shown.set(request, certificateShown);
  const response = await api.app.fetch(request);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as T };
}

describe("what is signed", () => {
  it("is the name and the key of the request for what was asked, by the cluster's authority, and no authority itself", async () => {
    const from = now();
    const certificate = await issued({ usages: ["digital signature", "client auth"], expirationSeconds: 3600 });
    const authority = new X509Certificate(api.cluster.keys.clusterCa);
    expect(await certificate.verify({ publicKey: authority.publicKey, signatureOnly: true }, crypto)).toBe(true);
    expect(certificate.issuer).toBe(authority.subject);
    expect(certificate.subject).toBe("O=dev, O=ops, CN=jane");
    expect(certificate.getExtension(BasicConstraintsExtension)?.ca).toBe(false);
    expect(certificate.getExtension(ExtendedKeyUsageExtension)?.usages).toEqual([CLIENT_AUTH]);
    expect(certificate.getExtension(KeyUsagesExtension)?.usages).toBe(1);
    const endMs = certificate.notAfter.getTime();
    expect(endMs).toBeGreaterThanOrEqual(Math.floor(from / 1000) * 1000 + HOUR_MS);
    expect(endMs).toBeLessThanOrEqual(now() + HOUR_MS);
    expect(certificate.notBefore.getTime()).toBeLessThanOrEqual(now() - 5 * MINUTE_MS);
  });

  it("is good for a year at most, which begins five minutes ago", async () => {
    for (const seconds of [undefined, 2_147_483_647]) {
      const { notBefore, notAfter } = await issued(seconds === undefined ? {} : { expirationSeconds: seconds });
      expect(notAfter.getTime() - notBefore.getTime()).toBe(365 * 24 * HOUR_MS);
    }
  });

  it("keeps alternative names of four kinds, and nothing else of the request", async () => {
    const alternativeNames = [
      { type: "dns" as const, value: "n.example" },
      { type: "ip" as const, value: "10.1.2.3" },
      { type: "id" as const, value: "1.2.3.4" },
    ];
    const subject: Subject = [
      ["O", "system:nodes"],
      ["CN", "system:node:n"],
      ["1.3.6.1.4.1.57683.2", "a-uid"],
    ];
    const { request } = await keyedRequest({ subject, alternativeNames });
    const certificate = await issued({
      request,
      signerName: "kubernetes.io/kubelet-serving",
      usages: ["digital signature", "server auth"],
    });
    expect(certificate.subject).toBe("O=system:nodes, CN=system:node:n");
    expect(certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()).toEqual(
      alternativeNames.slice(0, 2),
    );
  });

  it("takes names as they stand: no quotes and no hexadecimal make another name of them", async () => {
    const subject: Subject = [
      ["O", '"system:masters"'],
      ["O", "#0c0e73797374656d3a6d617374657273"],
      ["CN", '"admin"'],
    ];
    const { request } = await keyedRequest({ subject });
    const { subjectName } = await issued({ request });
    expect(subjectName.getField("O")).toEqual(['"system:masters"', "#0c0e73797374656d3a6d617374657273"]);
    expect(subjectName.getField("CN")).toEqual(['"admin"']);
  });

  it("is nothing before it is approved, after it was denied, or of a signer of somebody else", async () => {
    const [pending, denied, foreign] = [await ask({}), await ask({}), await ask({ signerName: "example.com/s" })];
    await decide(denied, "Denied");
    await decide(foreign, "Approved");
    await settle();
    for (const one of [pending, denied, foreign]) {
      const { status } = await read(one);
      expect(status?.certificate).toBeUndefined();
      expect(status?.conditions?.some(({ type }) => type === "Failed") ?? false).toBe(false);
    }
  });

  it("fails with the signer's words where the request does not fit it", async () => {
    const request = await ask({ usages: ["client auth", "server auth"] });
    await decide(request, "Approved");
    await settle();
    expect(failure(await read(request))).toMatchObject({
      status: "True",
      reason: "SignerValidationFailure",
      message: "invalid usage for client certificate: server auth",
    });
  });

  it("is no client's certificate where none can be shown, and says so", async () => {
    const request = await ask({}, { on: other });
    await decide(request, "Approved", other);
    const elsewhere = createLoops({ cluster: other.cluster, app: other.app });
    await settle(elsewhere);
    await elsewhere.stop();
    const { reason, message } = failure(await read(request, other)) ?? {};
    expect(reason).toBe("ClientCertificatesNotTaken");
    expect(message).toMatch(/^this cluster takes no client certificates; use a token/);
    expect((await read(request, other)).status?.certificate).toBeUndefined();
  });
});

describe("what nodes ask for themselves", () => {
  const BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
  const bind = (role: string, account: string) =>
    api.call(BINDINGS, {
      method: "POST",
      body: {
        metadata: { generateName: "test-" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
        subjects: [{ kind: "ServiceAccount", namespace: "default", name: account }],
      },
    });
  async function accountToken(name: string): Promise<string> {
    const accounts = "/api/v1/namespaces/default/serviceaccounts";
    await api.call(accounts, { method: "POST", body: { metadata: { name } } });
    await api.call("/apis/rbac.authorization.k8s.io/v1/clusterroles", {
      method: "POST",
      body: {
        metadata: { name: "asks" },
        rules: [{ apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"], verbs: ["create"] }],
      },
    });
    await bind("asks", name);
    const { body } = await api.call<{ status: { token: string } }>(`${accounts}/${name}/token`, {
      method: "POST",
      body: { spec: {} },
    });
    return body.status.token;
  }
  const KUBELET = {
    signerName: "kubernetes.io/kube-apiserver-client-kubelet",
    usages: ["digital signature", "client auth"],
  };
  it("is approved and signed for who may have it, and waits for a person otherwise", async () => {
    const { request } = await nodeRequest("system:node:a");
    const token = await accountToken("bootstrapper");
    const waits = await ask({ ...KUBELET, request }, { token });
    await settle();
    expect(await approval(waits)).toBeUndefined();
    await bind("system:certificates.k8s.io:certificatesigningrequests:nodeclient", "bootstrapper");
    const asked = await ask({ ...KUBELET, request }, { token });
    await settle();
    const { status } = await read(asked);
    expect(status?.conditions).toMatchObject([
      {
        type: "Approved",
        reason: "AutoApproved",
        message: "Auto approving kubelet client certificate after SubjectAccessReview.",
      },
    ]);
    expect(status?.certificate).toBeTruthy();
    aheadMs += 10 * MINUTE_MS;
    await settle();
    expect(await approval(waits)).toEqual(["AutoApproved"]);
  });

  it("is approved for a node that asks for itself, and for no other", async () => {
    const own = "system:serviceaccount:default:kubelet";
    const token = await accountToken("kubelet");
    await bind("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "kubelet");
    const { request } = await nodeRequest("system:node:b");
    const foreign = await ask({ ...KUBELET, request }, { token });
    await settle();
    expect((await read(foreign)).spec.username).toBe(own);
    expect(await approval(foreign)).toBeUndefined();
    const node = { name: "system:node:b", groups: ["system:nodes", "system:authenticated"] };
    await api.call(BINDINGS, {
      method: "POST",
      body: {
        metadata: { name: "nodes-renew" },
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "ClusterRole",
          name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        },
        subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "system:nodes" }],
      },
    });
    const body = { metadata: { name: "own" }, spec: { ...KUBELET, request } };
    const response = await api.app.fetchAs(node)(
      new Request(`https://gantry.test:6443${PATH}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
    expect(response.status).toBe(201);
    await settle();
    expect((await api.call<Csr>(`${PATH}/own`)).body.status?.conditions).toMatchObject([
      { message: "Auto approving self kubelet client certificate after SubjectAccessReview." },
    ]);
  });
});

describe("what has served its purpose", () => {
  it("goes an hour after it was decided, a day after it was made", async () => {
    const [pending, denied, done] = [await ask({}), await ask({}), await ask({})];
    await decide(denied, "Denied");
    await decide(done, "Approved");
    const { nextDueMs = 0 } = await settle();
    expect(nextDueMs).toBeLessThanOrEqual(now() + HOUR_MS);
    expect(await Promise.all([pending, denied, done].map(gone))).toEqual([false, false, false]);
    aheadMs += HOUR_MS + MINUTE_MS;
    await settle();
    expect(await Promise.all([pending, denied, done].map(gone))).toEqual([false, true, true]);
    aheadMs += 23 * HOUR_MS;
    await settle();
    expect(await gone(pending)).toBe(true);
  });
});

describe("who shows one", () => {
  const SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  interface Review {
    status: { userInfo: { username: string; groups: string[]; extra?: Record<string, string[]> } };
  }

  const whoAmI = (one: ClientCertificate | undefined, headers: Record<string, string> = {}) =>
    send<Review>(SELF, one, { method: "POST", body: {}, headers });

  it("is the common name, in a group for each organization, and may what the roles say", async () => {
    const jane = await someone();
    const { body } = await whoAmI(jane);
    const { username, groups, extra } = body.status.userInfo;
    expect({ username, groups }).toEqual({ username: "jane", groups: ["dev", "ops", "system:authenticated"] });
    expect(extra?.["authentication.kubernetes.io/credential-id"]?.[0]).toMatch(/^X509SHA256=[0-9a-f]{64}$/);
    const maps = "/api/v1/namespaces/default/configmaps";
    assertFailure(await send(maps, jane), {
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"',
    });
    await api.call("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
      method: "POST",
      body: {
        metadata: { name: "ops-view" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "ops" }],
      },
    });
    expect((await send(maps, jane)).status).toBe(200);
    expect((await send("/api/v1/namespaces/default/secrets", jane)).status).toBe(403);
  });

  it("comes before a token, which counts where the certificate is not good", async () => {
    const token = { authorization: "Bearer test-admin-token" };
    expect((await whoAmI(await someone(), token)).body.status.userInfo.username).toBe("jane");
    expect((await whoAmI(await someone(), { authorization: "Bearer nonsense" })).status).toBe(201);
    expect((await whoAmI(await someone(), { authorization: "Basic nonsense" })).status).toBe(201);
    const foreign = await someone({ of: other });
    expect((await whoAmI(foreign, token)).body.status.userInfo.username).toBe("admin");
    expect((await whoAmI(foreign, { authorization: "Bearer nonsense" })).status).toBe(401);
  });

  it("acts for others as far as RBAC lets it", async () => {
    const masters = await someone({
      subject: [
        ["O", "system:masters"],
        ["CN", "root"],
      ],
    });
    expect((await whoAmI(masters, { "impersonate-user": "bob" })).body.status.userInfo.username).toBe("bob");
    expect((await whoAmI(await someone(), { "impersonate-user": "bob" })).status).toBe(403);
  });

  const UNAUTHORIZED = { code: 401, reason: "Unauthorized", message: "Unauthorized" };
  it.each<[what: string, make: () => Promise<ClientCertificate>]>([
    ["of another authority", () => someone({ of: other })],
    ["of a server", () => someone({ usages: ["digital signature", "server auth"] })],
    ["good for nothing in particular", () => someone({ usages: ["digital signature"] })],
    ["without a common name", () => someone({ subject: [["O", "system:masters"]] })],
    ["with an empty common name", () => someone({ subject: [["CN", ""]] })],
    ["that is the authority's own", async () => ({ der: derOf(api.cluster.keys.clusterCa) })],
    ["that is noise", async () => ({ der: new Uint8Array(1_000).fill(48) })],
    ["that is far too large", async () => ({ der: new Uint8Array(1_000_000) })],
    [
      "that was changed",
      async () => {
        const { der } = await someone();
        const at = new TextDecoder("latin1").decode(der).indexOf("jane");
        der[at] = "k".charCodeAt(0);
        return { der };
      },
    ],
  ])("is refused with one %s, alike", async (_, make) => {
    assertFailure(await whoAmI(await make()), UNAUTHORIZED);
  });

  it("is refused from the moment it ends, on a connection that goes on, and before it begins", async () => {
    const one = await someone({ lifetimeMs: 10 * MINUTE_MS });
    expect((await whoAmI(one)).status).toBe(201);
    aheadMs += 10 * MINUTE_MS + 1_000;
    assertFailure(await whoAmI(one), UNAUTHORIZED);
    aheadMs -= 20 * MINUTE_MS;
    assertFailure(await whoAmI(one), UNAUTHORIZED);
    aheadMs += 10 * MINUTE_MS;
    expect((await whoAmI(one)).status).toBe(201);
  });

  it("is nobody by a header", async () => {
    const { der } = await someone({ subject: [["CN", "root"]] });
    const pem = btoa(String.fromCharCode(...der));
    for (const name of ["x-client-cert", "x-forwarded-client-cert", "ssl-client-cert", "client-cert", "x-ssl-cert"]) {
      assertFailure(await send("/api/v1/nodes", undefined, { headers: { [name]: pem } }), {
        code: 403,
        reason: "Forbidden",
        message: /User "system:anonymous" cannot list/,
      });
    }
  });
});
