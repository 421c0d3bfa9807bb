import { describe, expect, it } from "vitest";
import type { ObjectMeta } from "./meta.ts";
import { nameFaults } from "./names.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "./validate-meta.ts";

const rules = { namespaced: true, nameRule: "dns-subdomain" as const, field: "metadata" };
const good: ObjectMeta = {
  name: "web",
  namespace: "default",
  labels: { "example.com/a": "b" },
  finalizers: ["x.io/y"],
};

function texts(meta: ObjectMeta): string[] {
  return validateObjectMeta(meta, rules).map(({ field, message }) => `${field}: ${message}`);
}

describe("metadata", () => {
  it("accepts an ordinary object", () => expect(texts(good)).toEqual([]));

  it.each<[string, ObjectMeta, string]>([
    ["no name", { namespace: "d" }, "metadata.name: Required value: name or generateName is required"],
    [
      "an upper case name",
      { name: "Web", namespace: "d" },
      `metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
    ],
    ["no namespace", { name: "a" }, "metadata.namespace: Required value"],
    [
      "a long name",
      { ...good, name: "a".repeat(254) },
      `metadata.name: Invalid value: "${"a".repeat(254)}": must be no more than 253 bytes`,
    ],
    [
      "a long label",
      { ...good, labels: { a: "b".repeat(64) } },
      `metadata.labels: Invalid value: "${"b".repeat(64)}": must be no more than 63 bytes`,
    ],
    [
      "an empty prefix",
      { ...good, labels: { "/a": "" } },
      'metadata.labels: Invalid value: "/a": prefix part must be non-empty',
    ],
    [
      "annotations that are too much",
      { ...good, annotations: { a: "x".repeat(256 * 1024) } },
      "metadata.annotations: Too long: may not be more than 262144 bytes",
    ],
    [
      "an owner without uid",
      { ...good, ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "" }] },
      "metadata.ownerReferences[0].uid: Required value: must not be empty",
    ],
    [
      "two finalizers that exclude each other",
      { ...good, finalizers: ["orphan", "foregroundDeletion"] },
      'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
    ],
  ])("refuses %s", (_, meta, expected) => expect(texts(meta)).toContain(expected));

  it("a generateName may end with a dash", () => {
    expect(nameFaults("dns-label", "web-", { prefix: true })).toEqual([]);
    expect(nameFaults("dns-label", "web-")).not.toEqual([]);
    expect(nameFaults("dns-label", "a.b")).toEqual(["must not contain dots"]);
    expect(nameFaults("path-segment", "system:a/b")).toEqual(["may not contain '/'"]);
  });

  it("identity never changes", () => {
    const errors = validateObjectMetaUpdate({ ...good, uid: "2", name: "other" }, { ...good, uid: "1" }, rules);
    expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'metadata.name: Invalid value: "other": field is immutable',
      'metadata.uid: Invalid value: "2": field is immutable',
    ]);
  });
});
