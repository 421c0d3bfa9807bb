import { describe, expect, it } from "vitest";
import type { RequestedNames } from "../../kinds/certificates/certificatesigningrequests/request.ts";
import { lifetimeMs, signerFault } from "./rules.ts";

const none: RequestedNames = {
  commonName: "",
  organizations: [],
  dnsNames: [],
  emailAddresses: [],
  ipAddresses: [],
  uris: [],
};
const node: RequestedNames = { ...none, commonName: "system:node:n", organizations: ["system:nodes"] };
const CLIENT = ["digital signature", "client auth"];
const SERVING = ["digital signature", "server auth"];

describe("kube-apiserver-client", () => {
  it.each<[usages: string[], fault: string | undefined]>([
    [["client auth"], undefined],
    [["client auth", "digital signature", "key encipherment"], undefined],
    [["digital signature"], "missing required usage for client certificate: client auth"],
    [["client auth", "server auth"], "invalid usage for client certificate: server auth"],
    [["any"], "invalid usage for client certificate: any"],
  ])("%j: %s", (usages, fault) => {
    expect(signerFault("kubernetes.io/kube-apiserver-client", { names: none, usages })).toBe(fault);
  });
});

const CLIENT_USAGES = "usages did not match [client auth digital signature key encipherment]";
const SERVING_USAGES = "usages did not match [digital signature key encipherment server auth]";

describe.each<[signer: string, cases: [names: Partial<RequestedNames>, usages: string[], fault: string | undefined][]]>(
  [
    [
      "kube-apiserver-client-kubelet",
      [
        [{}, CLIENT, undefined],
        [{}, [...CLIENT, "key encipherment"], undefined],
        [{ organizations: [] }, CLIENT, "subject organization is not system:nodes"],
        [{ organizations: ["system:nodes", "system:masters"] }, CLIENT, "subject organization is not system:nodes"],
        [{ commonName: "n" }, CLIENT, "subject common name does not begin with system:node:"],
        [{ dnsNames: ["n"] }, CLIENT, "DNS subjectAltNames are not allowed"],
        [{ ipAddresses: ["10.0.0.1"] }, CLIENT, "IP subjectAltNames are not allowed"],
        [{ emailAddresses: ["a@b"] }, CLIENT, "Email subjectAltNames are not allowed"],
        [{ uris: ["spiffe://n"] }, CLIENT, "URI subjectAltNames are not allowed"],
        [{}, ["client auth"], CLIENT_USAGES],
        [{}, SERVING, CLIENT_USAGES],
        [{}, [...CLIENT, "server auth"], CLIENT_USAGES],
      ],
    ],
    [
      "kubelet-serving",
      [
        [{ dnsNames: ["n"] }, SERVING, undefined],
        [{ ipAddresses: ["10.0.0.1"] }, [...SERVING, "key encipherment"], undefined],
        [{}, SERVING, "DNS or IP subjectAltName is required"],
        [{ dnsNames: ["n"], organizations: ["x"] }, SERVING, "subject organization is not system:nodes"],
        [{ dnsNames: ["n"], emailAddresses: ["a@b"] }, SERVING, "Email subjectAltNames are not allowed"],
        [{ dnsNames: ["n"], uris: ["spiffe://n"] }, SERVING, "URI subjectAltNames are not allowed"],
        [{ dnsNames: ["n"] }, [...SERVING, "client auth"], SERVING_USAGES],
        [{ dnsNames: ["n"], commonName: "n" }, SERVING, "subject common name does not begin with system:node:"],
      ],
    ],
    ["legacy-unknown", [[{ organizations: ["system:masters"] }, ["any"], undefined]]],
  ],
)("%s", (signer, cases) => {
  it.each(cases)("%j %j: %s", (names, usages, fault) => {
    expect(signerFault(`kubernetes.io/${signer}`, { names: { ...node, ...names }, usages })).toBe(fault);
  });
});

it.each([
  [undefined, 31_536_000],
  [600, 600],
  [1, 600],
  [86_400, 86_400],
  [2_147_483_647, 31_536_000],
])("asked for %s seconds: %i", (asked, given) => {
  expect(lifetimeMs(asked)).toBe(given * 1000);
});
