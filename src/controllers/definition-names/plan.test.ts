import { describe, expect, it } from "vitest";
import { definitionView, type DefinitionView } from "../../controller-runtime/views/definition-view.ts";
import type {
  CustomResourceDefinition,
  DefinitionNames,
} from "../../kinds/apiextensions/customresourcedefinitions/types.ts";
import { planStatus } from "./plan.ts";

const NOW = "2026-01-01T00:00:00Z";
const EARLIER = "2025-01-01T00:00:00Z";
const NAMES: DefinitionNames = {
  plural: "tabs",
  singular: "tab",
  shortNames: ["ta"],
  kind: "Tab",
  listKind: "TabList",
};

function view(
  names: DefinitionNames,
  status: CustomResourceDefinition["status"] = {},
  { group = "example.com", annotations = {} }: { group?: string; annotations?: Record<string, string> } = {},
): DefinitionView {
  const metadata = { name: `${names.plural}.${group}`, annotations };
  const definition: CustomResourceDefinition = {
    metadata,
    spec: { group, names, scope: "Cluster" },
    ...(status ? { status } : {}),
  };
  return definitionView(definition);
}

const said = (definition: DefinitionView, others: readonly DefinitionView[] = []): string[] | undefined =>
  planStatus(definition, others, NOW)?.conditions.map(
    ({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`,
  );

const GOOD = [
  "NamesAccepted True NoConflicts: no conflicts found",
  "Established False Installing: the initial names have been accepted",
];
const NOT_ACCEPTED = "Established False NotAccepted: not all names are accepted";

describe("names of definitions", () => {
  it("are accepted where nobody has them", () => {
    const plan = planStatus(view(NAMES), [], NOW);
    expect(plan?.acceptedNames).toEqual({ ...NAMES, categories: null });
    expect(plan?.conditions.every(({ lastTransitionTime }) => lastTransitionTime === NOW)).toBe(true);
    expect(said(view(NAMES))).toEqual(GOOD);
  });

  it("need nothing once that is said", () => {
    const plan = planStatus(view(NAMES), [], EARLIER);
    const { categories: _, ...acceptedNames } = plan?.acceptedNames ?? {};
    const stored = { acceptedNames: acceptedNames as DefinitionNames, conditions: plan?.conditions ?? [] };
    expect(planStatus(view(NAMES, stored), [], NOW)).toBeUndefined();
  });

  it.each<[string, Partial<DefinitionNames>, string[]]>([
    ["plural", { plural: "tab" }, ['NamesAccepted False PluralConflict: "tab" is already in use', NOT_ACCEPTED]],
    [
      "singular",
      { plural: "x", singular: "ta" },
      ['NamesAccepted False SingularConflict: "ta" is already in use', NOT_ACCEPTED],
    ],
    [
      "shortNames",
      { plural: "x", shortNames: ["ta", "tabs", "y"] },
      ['NamesAccepted False ShortNamesConflict: ["ta" is already in use, "tabs" is already in use]', NOT_ACCEPTED],
    ],
    [
      "kind",
      { plural: "x", kind: "TabList" },
      ['NamesAccepted False KindConflict: "TabList" is already in use', NOT_ACCEPTED],
    ],
    [
      "listKind",
      { plural: "x", listKind: "Tab" },
      ['NamesAccepted False ListKindConflict: "Tab" is already in use', NOT_ACCEPTED],
    ],
  ])("of others are not: %s", (_, change, expected) => {
    const mine: DefinitionNames = { plural: "x", kind: "X", ...change };
    expect(said(view(mine), [view(NAMES, { acceptedNames: NAMES })])).toEqual(expected);
  });

  it("without a conflict are taken all the same", () => {
    const mine: DefinitionNames = { plural: "x", singular: "tab", kind: "X" };
    const plan = planStatus(view(mine), [view(NAMES, { acceptedNames: NAMES })], NOW);
    expect(plan?.acceptedNames).toMatchObject({ plural: "x", singular: null, kind: "X" });
  });

  it("keep the time of a condition whose status stays", () => {
    const conditions = [
      { type: "NamesAccepted", status: "False", reason: "KindConflict", message: "", lastTransitionTime: EARLIER },
      { type: "Established", status: "False", reason: "NotAccepted", message: "", lastTransitionTime: EARLIER },
      { type: "Other", status: "True", lastTransitionTime: EARLIER },
    ];
    expect(planStatus(view(NAMES, { conditions }), [], NOW)?.conditions).toMatchObject([
      { type: "NamesAccepted", status: "True", lastTransitionTime: NOW },
      { type: "Established", status: "False", reason: "Installing", lastTransitionTime: EARLIER },
      { type: "Other", lastTransitionTime: EARLIER },
    ]);
  });

  it("of groups of Kubernetes say whether they are approved", () => {
    const annotations = { "api-approved.kubernetes.io": "unapproved, for a test" };
    expect(said(view(NAMES, {}, { group: "x.k8s.io", annotations }))?.[2]).toBe(
      'KubernetesAPIApprovalPolicyConformant False UnapprovedAnnotation: not approved: "unapproved, for a test"',
    );
  });
});
