import { describe, expect, it } from "vitest";
import { isStatusError } from "../machinery/status-error.ts";
import { isPretty, negotiate } from "./negotiate.ts";
import { acceptsGzip } from "./response.ts";

const ALL = ["object", "table", "partial"] as const;
const KUBECTL =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

function pretty(query: string, agent = "kubectl/v1.32"): boolean {
  return isPretty(new Request("https://x/", { headers: { "user-agent": agent } }), new URLSearchParams(query));
}

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
    ["application/*", "json object"],
    ["*", "json object"],
    // What is only read by other servers: a wildcard never goes first, q=0 excludes nothing, and nonsense is passed over.
    ["*/*, application/yaml;q=0.1", "yaml object"],
    ["application/*;q=0.9, application/yaml;q=0.1", "yaml object"],
    ["application/json;q=0", "json object"],
    ["application/yaml;q=0, application/json;q=0.1", "json object"],
    ["application/yaml;q=x, application/json;q=0.1", "json object"],
    ["application, a/b/c, ;, application/yaml", "yaml object"],
    ["application/json;stream=watch", "json object"],
    ["application/json;stream=other, application/yaml", "yaml object"],
    ["application/json;charset=utf-8", "json object"],
    ["application/json;sv=v2, application/yaml;sv=v1", "yaml object"],
    ["application/json;as=Table;g=meta.k8s.io, application/yaml", "yaml object"],
    ["application/json;as=Table;v=v2;g=meta.k8s.io, application/json", "json object"],
    ["application/json;as=Pod;v=v1;g=meta.k8s.io, application/json", "json object"],
    ["application/json;as=Table;v=v1beta1;g=meta.k8s.io", "json table"],
    ["application/yaml;as=Table;v=v1;g=meta.k8s.io", "yaml table"],
    ["application/*;as=Table;v=v1;g=meta.k8s.io", "json table"],
    ["application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, */*", "json object"],
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

  it("keeps the version and the kind that were asked for, and who wants it pretty", () => {
    expect(negotiate("application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io;pretty=1", ALL)).toEqual({
      encoding: "json",
      shape: "partial",
      contentType: "application/json",
      pretty: true,
      version: "v1beta1",
      as: "PartialObjectMetadataList",
    });
  });

  it("indents for people", () => {
    expect(["pretty=true", "pretty=1", "pretty=T"].map((query) => pretty(query))).toEqual([true, true, true]);
    expect(["", "pretty=", "pretty=false", "pretty=yes"].map((query) => pretty(query))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(["curl/8.5", "Wget/1", "Mozilla/5.0 (X11)", "Go-http-client/2.0"].map((agent) => pretty("", agent))).toEqual(
      [true, true, true, false],
    );
    expect(pretty("pretty=false", "curl/8.5")).toBe(false);
  });

  it("knows who takes gzip", () => {
    expect(["gzip", "deflate, gzip;q=0.5", "*"].map(acceptsGzip)).toEqual([true, true, true]);
    expect([null, "", "br", "gzip;q=0", "gzip; q=0.0"].map(acceptsGzip)).toEqual([false, false, false, false, false]);
  });
});
