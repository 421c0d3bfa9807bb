import { describe, expect, it } from "vitest";
import { isStatusError } from "../machinery/status-error.ts";
import { negotiate } from "./negotiate.ts";
import { acceptsGzip } from "./response.ts";

const ALL = ["object", "table", "partial"] as const;
const KUBECTL =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

describe("negotiation", () => {
  it.each([
    [null, "json object"],
    ["*/*", "json object"],
    ["application/json", "json object"],
    ["application/yaml", "yaml object"],
    ["application/vnd.kubernetes.protobuf,application/json", "json object"],
    ["application/vnd.kubernetes.protobuf, */*", "json object"],
    [KUBECTL, "json table"],
    ["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json", "json partial"],
    ["application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "json partial"],
    ["application/json;q=0.1, application/yaml;q=0.9", "yaml object"],
    ["text/html, application/json;q=0.5", "json object"],
  ])("%s", (accept, expected) => {
    const form = negotiate(accept, ALL);
    expect(`${form.encoding} ${form.shape}`).toBe(expected);
  });

  it("goes on to the next entry where tables are not served, and refuses when none is left", () => {
    expect(negotiate(KUBECTL).shape).toBe("object");
    for (const accept of [
      "application/json;as=Table;v=v1;g=meta.k8s.io",
      "text/html",
      "application/vnd.kubernetes.protobuf",
    ]) {
      let refused: unknown;
      try {
        negotiate(accept);
      } catch (error) {
        refused = error;
      }
      expect(isStatusError(refused, "NotAcceptable")).toBe(true);
    }
  });

  it("knows who takes gzip", () => {
    expect(["gzip", "deflate, gzip;q=0.5", "*"].map(acceptsGzip)).toEqual([true, true, true]);
    expect([null, "", "br", "gzip;q=0", "gzip; q=0.0"].map(acceptsGzip)).toEqual([false, false, false, false, false]);
  });
});
