import { describe, expect, test } from "vitest";
import { metaOf, pod as podOf } from "../../controller-runtime/views.fixture.ts";
import type { Affinity, PodAffinityTerm } from "../../kinds/core/pods/types.ts";
import { createInterPodAffinity } from "./inter-pod-affinity.ts";
import { labelled, placed, refusals, scores, type Scene } from "./plugins.fixture.ts";

const plugin = createInterPodAffinity();
const FAR = "node(s) didn't match pod affinity rules";
const NEAR = "node(s) didn't match pod anti-affinity rules";
const UNWELCOME = "node(s) didn't satisfy existing pods anti-affinity rules";
const nodes = [
  labelled("a1", { zone: "a" }),
  labelled("a2", { zone: "a" }),
  labelled("b1", { zone: "b" }),
  labelled("none"),
];
const web = { app: "web" };
const term = (more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: "zone",
  labelSelector: { matchLabels: web },
  ...more,
});
const near = (...terms: PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const away = (...terms: PodAffinityTerm[]): Affinity => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const there = [placed("x", "a1", web)];
const elsewhere = [podOf("y", { node: "a1", meta: { namespace: "other", labels: web } })];
const known: Scene["tables"] = (tables) =>
  tables.namespaces.set({ metadata: metaOf("other", { namespace: "", labels: { team: "t" } }) });
const all = (reason: string) => ({ a1: reason, a2: reason, b1: reason, none: reason });

describe("where it may run", () => {
  test.each<[string, Affinity, Partial<Scene>, Record<string, string>]>([
    ["near", near(term()), { pods: there }, { a1: "", a2: "", b1: FAR, none: FAR }],
    [
      "on the very node",
      near(term({ topologyKey: "kubernetes.io/hostname" })),
      { pods: there },
      { ...all(FAR), a1: "" },
    ],
    ["away from", away(term()), { pods: there }, { a1: NEAR, a2: NEAR, b1: "", none: "" }],
    ["near what is nowhere", near(term()), {}, all(FAR)],
    ["near its own kind, as the first of it", near(term()), { meta: { labels: web } }, { ...all(""), none: FAR }],
    [
      "near one, of whom there is none with both",
      near(term(), term({ labelSelector: { matchLabels: { app: "db" } } })),
      {
        pods: [...there, placed("d", "a1", { app: "db" })],
      },
      all(FAR),
    ],
    ["a key that no node has", near(term({ topologyKey: "rack" })), { pods: there }, all(FAR)],
    ["of its own namespace", near(term()), { pods: elsewhere }, all(FAR)],
    [
      "of a named namespace",
      near(term({ namespaces: ["other"] })),
      { pods: elsewhere },
      { a1: "", a2: "", b1: FAR, none: FAR },
    ],
    [
      "of every namespace",
      near(term({ namespaceSelector: {} })),
      { pods: elsewhere },
      { a1: "", a2: "", b1: FAR, none: FAR },
    ],
    [
      "of namespaces with a label",
      near(term({ namespaceSelector: { matchLabels: { team: "t" } } })),
      { pods: elsewhere, tables: known },
      { a1: "", a2: "", b1: FAR, none: FAR },
    ],
    [
      "of namespaces with another label",
      near(term({ namespaceSelector: { matchLabels: { team: "u" } } })),
      {
        pods: elsewhere,
        tables: known,
      },
      all(FAR),
    ],
    ["without a selector nothing is near", near({ topologyKey: "zone" }), { pods: there }, all(FAR)],
    [
      "away from the same version only",
      away(term({ matchLabelKeys: ["version"] })),
      {
        pods: [placed("x", "a1", { ...web, version: "1" })],
        meta: { labels: { version: "2" } },
      },
      all(""),
    ],
    [
      "away from other versions only",
      away(term({ mismatchLabelKeys: ["version"] })),
      {
        pods: [placed("x", "a1", { ...web, version: "1" })],
        meta: { labels: { version: "1" } },
      },
      all(""),
    ],
  ])("%s", (_, affinity, scene, expected) => {
    expect(refusals(plugin, { nodes, ...scene, pod: { affinity } })).toEqual(expected);
  });

  test("who is there may not want it", () => {
    const pods = [placed("x", "a1", { app: "db" }, { affinity: away(term()) })];
    expect(refusals(plugin, { nodes, pods, meta: { labels: web } })).toEqual({
      a1: UNWELCOME,
      a2: UNWELCOME,
      b1: "",
      none: "",
    });
    expect(refusals(plugin, { nodes, pods, meta: { labels: { app: "db" } } })).toEqual(all(""));
  });
});

describe("where it had better run", () => {
  const preferring = (weight: number, kind: "podAffinity" | "podAntiAffinity"): Affinity => ({
    [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: term() }] },
  });

  test.each<[string, Partial<Scene>, Record<string, number>]>([
    ["near", { pods: there, pod: { affinity: preferring(10, "podAffinity") } }, { a1: 100, a2: 100, b1: 0, none: 0 }],
    [
      "away",
      { pods: there, pod: { affinity: preferring(10, "podAntiAffinity") } },
      { a1: 0, a2: 0, b1: 100, none: 100 },
    ],
    [
      "near who prefers it",
      { pods: [placed("x", "b1", {}, { affinity: preferring(5, "podAffinity") })], meta: { labels: web } },
      { a1: 0, a2: 0, b1: 100, none: 0 },
    ],
    [
      "near who requires it",
      { pods: [placed("x", "b1", {}, { affinity: near(term()) })], meta: { labels: web } },
      { a1: 0, a2: 0, b1: 100, none: 0 },
    ],
    ["anywhere", { pods: there, meta: { labels: web } }, { a1: 0, a2: 0, b1: 0, none: 0 }],
  ])("%s", (_, scene, expected) => {
    expect(scores(plugin, { nodes, ...scene })).toEqual(expected);
  });
});
