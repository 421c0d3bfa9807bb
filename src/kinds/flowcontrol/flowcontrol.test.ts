import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../machinery/meta.ts";
import type { KindDefinition } from "../../registry/kind.ts";
import { cellsOf, faultsOf, prepared, type Loose } from "../testing/prepare.ts";
import { flowSchemaKind } from "./flowschemas/kind.ts";
import { MANDATORY_LEVELS, MANDATORY_SCHEMAS } from "./mandatory.ts";
import { priorityLevelConfigurationKind } from "./prioritylevelconfigurations/kind.ts";

const any = <T extends KubeObject>(kind: KindDefinition<T>) => kind as unknown as KindDefinition;
const schemas = any(flowSchemaKind);
const levels = any(priorityLevelConfigurationKind);

const everything = { verbs: ["*"], nonResourceURLs: ["*"] };
const rule = { subjects: [{ kind: "User", user: { name: "jane" } }], nonResourceRules: [everything] };
const schema = (change: Loose = {}): Loose => ({
  spec: { priorityLevelConfiguration: { name: "exempt" }, rules: [rule], ...change },
});
const queue = (queuing?: Loose, limited: Loose = {}): Loose => ({
  spec: { type: "Limited", limited: { limitResponse: { type: "Queue", ...(queuing && { queuing }) }, ...limited } },
});

describe("flow control", () => {
  it("is completed as Kubernetes does", () => {
    expect(prepared(flowSchemaKind, schema()).spec.matchingPrecedence).toBe(1000);
    expect(prepared(priorityLevelConfigurationKind, queue({})).spec.limited).toEqual({
      nominalConcurrencyShares: 30,
      lendablePercent: 0,
      limitResponse: { type: "Queue", queuing: { handSize: 8, queues: 64, queueLengthLimit: 50 } },
    });
    expect(prepared(priorityLevelConfigurationKind, { spec: { type: "Exempt", exempt: {} } }).spec.exempt).toEqual({
      nominalConcurrencyShares: 0,
      lendablePercent: 0,
    });
  });

  it("has what is mandatory, in its final form", () => {
    for (const object of MANDATORY_LEVELS) {
      expect(prepared(priorityLevelConfigurationKind, { ...object }).spec).toEqual(object.spec);
      expect(faultsOf(levels, { ...object })).toEqual([]);
    }
    for (const object of MANDATORY_SCHEMAS) {
      expect(prepared(flowSchemaKind, { ...object }).spec).toEqual(object.spec);
      expect(faultsOf(schemas, { ...object })).toEqual([]);
    }
    const named = { metadata: { name: "catch-all" } };
    const [fault] = faultsOf(levels, { ...named, ...queue({}) });
    expect(fault).toMatch(/^spec: Invalid value: .*: spec of 'catch-all' must equal the fixed value$/);
    expect(faultsOf(schemas, { ...named, ...schema() })).toHaveLength(1);
  });

  it.each<[string, KindDefinition, Loose, string[]]>([
    ["a schema", schemas, schema(), []],
    [
      "a schema with faults",
      schemas,
      schema({
        matchingPrecedence: 10_001,
        distinguisherMethod: { type: "ByUser" },
        priorityLevelConfiguration: { name: "" },
      }),
      [
        "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000",
        "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
      ],
    ],
    [
      "what only the exempt one has",
      schemas,
      schema({ matchingPrecedence: 1 }),
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      "a rule about nobody and nothing",
      schemas,
      schema({ rules: [{}] }),
      [
        "spec.rules[0].subjects: Required value: subjects must contain at least one value",
        "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
      ],
    ],
    [
      "odd subjects",
      schemas,
      schema({
        rules: [
          {
            ...rule,
            subjects: [
              { kind: "Robot" },
              { kind: "Group", user: { name: "a" } },
              { kind: "ServiceAccount", serviceAccount: { name: "a", namespace: "" } },
            ],
          },
        ],
      }),
      [
        'spec.rules[0].subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
        "spec.rules[0].subjects[1].group: Required value: group is required when subject kind is 'Group'",
        "spec.rules[0].subjects[1].user: Forbidden: user is forbidden when subject kind is not 'User'",
        "spec.rules[0].subjects[2].serviceAccount.namespace: Required value: must specify namespace for service account",
      ],
    ],
    [
      "odd rules",
      schemas,
      schema({
        rules: [
          {
            subjects: rule.subjects,
            resourceRules: [{ verbs: ["*", "get"], apiGroups: [], resources: ["*", "pods"] }],
            nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["", "healthz", "/a//b", "/a*", "/a/*"] }],
          },
        ],
      }),
      [
        'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
        "spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group",
        'spec.rules[0].resourceRules[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources',
        "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace",
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "": must not be empty',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "healthz": must start with slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[2]: Invalid value: "/a//b": must not contain double slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[3]: Invalid value: "/a*": wildcard can only do suffix matching',
      ],
    ],
    ["a level", levels, queue({}), []],
    [
      "a level that is limited by nothing",
      levels,
      { spec: { type: "Limited", exempt: {} } },
      [
        "spec.exempt: Forbidden: must be nil if the type is Limited",
        "spec.limited: Required value: must not be empty when type is Limited",
      ],
    ],
    [
      "a level with faults",
      levels,
      queue({ handSize: 10, queues: 4096, queueLengthLimit: -1 }, { lendablePercent: 101, borrowingLimitPercent: -1 }),
      [
        "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
        "spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: -1: must be positive",
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 10: required entropy bits of deckSize 4096 and handSize 10 should not be greater than 60",
        "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
      ],
    ],
    [
      "no queues to queue in",
      levels,
      queue(),
      [
        "spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited",
      ],
    ],
  ])("%s", (_, kind, object, faults) => expect(faultsOf(kind, object)).toEqual(faults));

  it("is shown as by kubectl", () => {
    expect(cellsOf(priorityLevelConfigurationKind, queue({}))).toMatchObject({
      Type: "Limited",
      NominalConcurrencyShares: 30,
      Queues: 64,
      HandSize: 8,
      QueueLengthLimit: 50,
    });
    expect(cellsOf(flowSchemaKind, schema())).toMatchObject({ PriorityLevel: "exempt", MatchingPrecedence: 1000 });
  });
});
