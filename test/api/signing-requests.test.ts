/** CertificateSigningRequests: pkg/apis/certificates and plugin/pkg/admission/certificates of Kubernetes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { User } from "../../src/authn/authenticator.ts";
import { serviceAccountUser } from "../../src/authn/service-account.ts";
import type { CertificateSigningRequest } from "../../src/kinds/certificates/certificatesigningrequests/types.ts";
import { textToBase64 } from "../../src/machinery/base64.ts";
import type { Status } from "../../src/machinery/status-error.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { forged, KEYS, signingRequest, someCertificate } from "../harness/signing-requests.ts";

const PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
let api: TestCluster;
let made = 0;

beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

interface Asked {
  request?: string;
  signerName?: string;
  usages?: string[];
  expirationSeconds?: number;
}

async function ask(spec: Asked) {
  const name = `asked-${made++}`;
  const request = spec.request ?? (await signingRequest("O=dev, CN=jane"));
  const body = {
    metadata: { name },
    spec: { signerName: "example.com/s", usages: ["client auth"], ...spec, request },
  };
  return await api.call<CertificateSigningRequest>(PATH, { method: "POST", body });
}

async function asked(spec: Asked = {}): Promise<CertificateSigningRequest> {
  const { status, body, text } = await ask(spec);
  if (status !== 201) throw new Error(text);
  return body;
}

const put = (request: CertificateSigningRequest, part: string, status: CertificateSigningRequest["status"]) =>
  api.call<CertificateSigningRequest>(`${PATH}/${request.metadata.name}/${part}`, {
    method: "PUT",
    body: { ...request, ...(status ? { status } : {}) },
  });
const decision = (type: string, status = "True") => ({ type, status, reason: "Because", message: "so it is" });
const pem = (type: string, content = "AAAA") =>
  textToBase64(`-----BEGIN ${type}-----\n${content}\n-----END ${type}-----\n`);
const asNode = async (request: string) => {
  const headers = { "impersonate-user": "system:node:n1", "impersonate-group": "system:nodes" };
  const spec = { request, signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: ["client auth"] };
  made += 1;
  return await api.call(PATH, { method: "POST", headers, body: { metadata: { name: `of-a-node-${made}` }, spec } });
};
const pemOf = (content: string) => pem("CERTIFICATE REQUEST", content);
/** As Go's encoding/asn1 prints it. */
const tagsDiffer = (found: string, type: string) =>
  `asn1: structure error: tags don't match (16 vs ${found} isCompound:false}) {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false} ${type} @2`;

describe("what is asked for", () => {
  it.each(Object.keys(KEYS) as (keyof typeof KEYS)[])("is signed with its own key: %s", async (kind) => {
    const request = await signingRequest("O=dev, CN=jane", kind);
    expect((await ask({ request })).status).toBe(201);
  });

  it.each([
    ["ecdsa", "x509: ECDSA verification failure"],
    ["rsa", "crypto/rsa: verification error"],
    ["ed25519", "x509: Ed25519 verification failure"],
  ] as const)("with another key is refused: %s", async (kind, fault) => {
    const request = forged(await signingRequest("CN=jane", kind));
    assertFailure(await ask({ request }), {
      code: 422,
      reason: "Invalid",
      message: new RegExp(
        `spec\\.request: Invalid value: ${JSON.stringify(request).replaceAll("+", "\\+")}: ${fault}$`,
      ),
    });
  });

  it.each([
    ["another kind of block", pem("CERTIFICATE"), "PEM block type must be CERTIFICATE REQUEST"],
    ["no block", textToBase64("hello"), "PEM block type must be CERTIFICATE REQUEST"],
    ["nonsense in the block", pem("CERTIFICATE REQUEST"), tagsDiffer("{class:0 tag:0 length:0", "certificateRequest")],
    ["half of a header", pemOf("MA=="), "asn1: syntax error: truncated tag or length"],
    ["less than its header says", pemOf("MAUB"), "asn1: syntax error: data truncated"],
    ["an empty sequence", pemOf("MAA="), "asn1: syntax error: sequence truncated"],
    ["a length that ends nowhere", pemOf("MIA="), "asn1: syntax error: indefinite length found (not DER)"],
    ["a length in more bytes than it needs", pemOf("MIEDAgEF"), "asn1: structure error: non-minimal length"],
    ["a sequence of something else", pemOf("MAMCAQU="), tagsDiffer("{class:0 tag:2 length:1", "tbsCertificateRequest")],
  ])("is refused for %s", async (_, request, fault) => {
    const { body } = await ask({ request });
    expect((body as unknown as Status).details?.causes).toEqual([
      {
        reason: "FieldValueInvalid",
        field: "spec.request",
        message: `Invalid value: ${JSON.stringify(request)}: ${fault}`,
      },
    ]);
  });

  it("all faults are told at once, the request's first", async () => {
    const { body } = await ask({
      request: pem("CERTIFICATE"),
      usages: ["sleeping", "signing", "signing"],
      signerName: "nobody",
      expirationSeconds: 599,
    });
    const faults = (body as unknown as Status).details?.causes?.map(({ field }) => field);
    expect(faults).toEqual([
      "spec.request",
      "spec.usages[0]",
      "spec.usages[2]",
      "spec.signerName",
      "spec.expirationSeconds",
    ]);
  });

  it("a node asks in its own name alone", async () => {
    const own = await asNode(await signingRequest("O=system:nodes, CN=system:node:n1"));
    expect(own.status).toBe(201);
    assertFailure(await asNode(await signingRequest("O=system:nodes, CN=system:node:n2")), {
      code: 403,
      reason: "Forbidden",
      message: /: can only create a node CSR with CN=system:node:n1$/,
    });
    assertFailure(await asNode(pem("CERTIFICATE")), {
      code: 403,
      reason: "Forbidden",
      message: /: unable to parse csr: PEM block type must be CERTIFICATE REQUEST$/,
    });
  });

  it("nobody becomes an administrator by it", async () => {
    const spec = { signerName: "kubernetes.io/kube-apiserver-client" };
    const request = await signingRequest("O=system:masters, CN=root");
    assertFailure(await ask({ ...spec, request }), {
      code: 403,
      reason: "Forbidden",
      message: /use of kubernetes\.io\/kube-apiserver-client signer with system:masters group is not allowed$/,
    });
    expect((await ask({ request })).status).toBe(201);
    expect((await ask(spec)).status).toBe(201);
  });

  it("never changes, and says who asked", async () => {
    const request = await asked();
    expect(request.spec.username).toMatch(/./);
    const changed = { ...request, spec: { ...request.spec, usages: ["any"], username: "root" } };
    const answer = await api.call<CertificateSigningRequest>(`${PATH}/${request.metadata.name}`, {
      method: "PUT",
      body: changed,
    });
    expect(answer.body.spec).toEqual(request.spec);
  });
});

describe("what becomes of it", () => {
  it("approval decides, and its times are filled in", async () => {
    const request = await asked();
    const { status, body } = await put(request, "approval", { conditions: [decision("Approved")] });
    expect(status).toBe(200);
    expect(body.status?.conditions).toEqual([
      { ...decision("Approved"), lastUpdateTime: expect.any(String), lastTransitionTime: expect.any(String) },
    ]);
    assertFailure(await put(body, "approval", { conditions: [] }), {
      code: 422,
      reason: "Invalid",
      message: /status\.conditions: Forbidden: updates may not remove a condition of type "Approved"/,
    });
    assertFailure(await put(body, "approval", { conditions: [decision("Approved"), decision("Denied")] }), {
      code: 422,
      reason: "Invalid",
      message: /Approved and Denied conditions are mutually exclusive/,
    });
  });

  it.each([
    ["Approved", 'status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
    ["Denied", 'status.conditions: Forbidden: updates may not add a condition of type "Denied"'],
  ])("the status may not be %s", async (type, fault) => {
    const { body } = await put(await asked(), "status", { conditions: [decision(type)] });
    expect((body as unknown as Status).message).toContain(fault);
  });

  it("decisions are True, others anything", async () => {
    const request = await asked();
    const denied = await put(request, "approval", { conditions: [decision("Denied", "False")] });
    expect(denied.text).toContain(
      'status.conditions[0].status: Unsupported value: \\"False\\": supported values: \\"True\\"',
    );
    expect((await put(request, "status", { conditions: [decision("Odd", "False")] })).status).toBe(200);
  });

  it("its certificate is one, comes through the status and stays", async () => {
    const request = await asked();
    const certificate = await someCertificate();
    const byApproval = await put(request, "approval", { certificate });
    expect(byApproval.body.status?.certificate).toBeUndefined();
    const issued = await put(request, "status", { certificate });
    expect(issued.body.status?.certificate).toBe(certificate);
    assertFailure(await put(issued.body, "status", { certificate: await someCertificate() }), {
      code: 422,
      reason: "Invalid",
      message: /status\.certificate: Forbidden: updates may not modify existing certificate content/,
    });
  });

  it.each([
    ["no PEM", textToBase64("hello"), "must contain at least one CERTIFICATE PEM block"],
    ["a key", pem("EC PRIVATE KEY"), 'only CERTIFICATE PEM blocks are allowed, found "EC PRIVATE KEY"'],
    ["headers", pem("CERTIFICATE", "A: b\n\nAAAA"), "no PEM block headers are permitted"],
    ["nothing in the block", pem("CERTIFICATE", ""), "found CERTIFICATE PEM block containing 0 certificates"],
    ["nonsense", pem("CERTIFICATE"), "x509: malformed certificate"],
  ])("a certificate is refused for %s", async (_, certificate, fault) => {
    const { body } = await put(await asked(), "status", { certificate });
    expect((body as unknown as Status).message).toContain(
      `status.certificate: Invalid value: "<certificate data>": ${fault}`,
    );
  });
});

describe("who may decide", () => {
  /** Someone who may write the parts of requests, and nothing to any signer. */
  const collector: User = serviceAccountUser({ namespace: "kube-system", name: "generic-garbage-collector" });

  it.each([
    ["approval", { conditions: [decision("Approved")] }, "approve"],
    ["status", { conditions: [decision("Failed")] }, "sign"],
  ])("%s takes rights on the signer", async (part, status, verb) => {
    const request = await asked();
    const response = await api.app.fetchAs(collector)(
      new Request(`https://gantry.test${PATH}/${request.metadata.name}/${part}`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...request, status }),
      }),
    );
    expect(response.status).toBe(403);
    const { message } = (await response.json()) as Status;
    expect(message).toContain(`user not permitted to ${verb} requests with signerName "example.com/s"`);
  });
});
