import { expect, test } from "vitest";
import type { PodTemplateSpec } from "../../kinds/core/pods/types.ts";
import { templateHash, templateIdentity } from "./template-hash.ts";

const template = (image: string, labels: Record<string, string> = {}): PodTemplateSpec => ({
  metadata: { labels: { app: "web", ...labels } },
  spec: { containers: [{ name: "c", image }] },
});

test("neither the hash label, nor the order of members, nor an empty creation time makes another template", () => {
  const plain = templateIdentity(template("x"));
  expect(templateIdentity(template("x", { "pod-template-hash": "abc" }))).toBe(plain);
  const turned: PodTemplateSpec = {
    spec: { containers: [{ image: "x", name: "c" }] },
    metadata: { creationTimestamp: null, annotations: {}, labels: { app: "web" } },
  };
  expect(templateIdentity(turned)).toBe(plain);
});

test("everything else does, also what is empty but means something", () => {
  const term = (labelSelector?: object): PodTemplateSpec => ({
    ...template("x"),
    spec: {
      containers: [],
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: "zone", ...(labelSelector ? { labelSelector } : {}) },
          ],
        },
      },
    },
  });
  const identities = [template("x"), template("y"), template("x", { a: "b" }), term(), term({})].map(templateIdentity);
  expect(new Set(identities).size).toBe(5);
});

test("hashes are short, safe in names, stable, and others after a collision", () => {
  const hashes = new Set<string>();
  for (let index = 0; index < 5_000; index++) {
    const hash = templateHash(templateIdentity(template(`image:${index}`)), undefined);
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{7}$/);
    hashes.add(hash);
  }
  expect(hashes.size).toBe(5_000);
  const identity = templateIdentity(template("x"));
  expect(templateHash(identity, undefined)).toBe(templateHash(identity, undefined));
  expect(new Set([undefined, 1, 2, 3].map((count) => templateHash(identity, count))).size).toBe(4);
});
