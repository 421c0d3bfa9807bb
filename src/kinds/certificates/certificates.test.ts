import { describe, expect, it } from "vitest";
import { textToBase64 } from "../../machinery/base64.ts";
import { cellsOf, faultsOf, NOW_MS, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { certificateSigningRequestKind as kind } from "./certificatesigningrequests/kind.ts";

const pem = (type: string) => textToBase64(`-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`);
const asked = (change: Loose = {}): Loose => ({
  spec: {
    request: pem("CERTIFICATE REQUEST"),
    signerName: "example.com/signer",
    usages: ["client auth"],
    ...change,
  },
});
const condition = (type: string, status = "True") => ({ type, status, reason: "Because" });
const at = "status.conditions";

describe("certificate signing requests", () => {
  it("name who asks, whatever they say", () => {
    const request = prepared(kind, {
      ...asked({ username: "somebody", groups: ["g"] }),
      status: { certificate: "AAAA" },
    });
    kind.strategy.prepareForCreate?.(request, {
      nowMs: NOW_MS,
      subresource: "",
      user: { name: "jane", uid: "u-1", groups: ["dev"], extra: { scopes: ["a"] } },
    });
    expect(request.spec).toMatchObject({ username: "jane", uid: "u-1", groups: ["dev"], extra: { scopes: ["a"] } });
    expect(request.status).toEqual({});
  });

  it.each<[string, Loose, string[]]>([
    ["a request", asked(), []],
    [
      "something else",
      asked({ usages: [], signerName: "", expirationSeconds: 5 }),
      [
        "spec.usages: Required value",
        "spec.signerName: Required value",
        "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)",
      ],
    ],
    [
      "odd usages and signers",
      asked({ usages: ["signing", "signing"], signerName: "signer" }),
      [
        'spec.usages[1]: Duplicate value: "signing"',
        "spec.signerName: Invalid value: \"signer\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
      ],
    ],
    [
      "the signer of old",
      asked({ signerName: "kubernetes.io/legacy-unknown" }),
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
    [
      "of a signer with two wrong labels the first",
      asked({ signerName: "Ex.Ample/a_b.c_d" }),
      [
        expect.stringMatching(
          /^spec.signerName: Invalid value: "Ex.Ample": validating label "Ex": a lowercase RFC 1123 label/,
        ),
        expect.stringMatching(
          /^spec.signerName: Invalid value: "a_b.c_d": validating label "a_b": a lowercase RFC 1123 sub/,
        ),
      ],
    ],
    [
      "a signer that is too long",
      asked({ signerName: `${"a.".repeat(126)}ab/${"b.".repeat(160)}b` }),
      [
        "spec.signerName: Too long: may not be more than 253 bytes",
        "spec.signerName: Too long: may not be more than 571 bytes",
      ],
    ],
    [
      "a signer without a domain",
      asked({ signerName: "example/signer" }),
      ['spec.signerName: Invalid value: "example": should be a domain with at least two segments separated by dots'],
    ],
  ])("%s", (_, object, faults) => expect(faultsOf(kind, object)).toEqual(faults));

  const approved = { ...asked(), status: { conditions: [condition("Approved")] } };
  it.each<[string, string, Loose, string[]]>([
    [
      "the status decides nothing",
      "status",
      approved,
      [`${at}: Forbidden: updates may not add a condition of type "Approved"`],
    ],
    ["approval decides", "approval", approved, []],
    ["failing is the signer's", "status", { ...asked(), status: { conditions: [condition("Failed")] } }, []],
    ["nobody changes what is asked for", "", asked({ usages: ["any"] }), []],
  ])("%s", (_, subresource, now, faults) => {
    expect(updateFaults(kind, { now, old: asked(), subresource })).toEqual(faults);
  });

  it("is one decision", () => {
    const both = prepared(kind, asked());
    both.status = { conditions: [condition("Approved"), condition("Denied", "False"), condition("Approved")] };
    expect(kind.strategy.validate?.(both).map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'status.conditions[1].status: Unsupported value: "False": supported values: "True"',
      'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
      'status.conditions: Invalid value: "Approved": Approved and Denied conditions are mutually exclusive',
      'status.conditions[2].type: Duplicate value: "Approved"',
    ]);
  });

  it("are shown as by kubectl", () => {
    const issued = { conditions: [condition("Approved")], certificate: pem("CERTIFICATE") };
    expect(cellsOf(kind, { ...asked({ username: "jane", expirationSeconds: 3600 }), status: issued })).toMatchObject({
      SignerName: "example.com/signer",
      Requestor: "jane",
      RequestedDuration: "60m",
      Condition: "Approved,Issued",
    });
    expect(cellsOf(kind, asked())).toMatchObject({ RequestedDuration: "<none>", Condition: "Pending" });
  });
});
