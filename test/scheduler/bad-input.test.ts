/** What people send by mistake, through the API: the pod is told why it waits, nothing spins, and other pods go on. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { events, type CoreEvent } from "../../src/kinds/core/events/types.ts";
import { nodes } from "../../src/kinds/core/nodes/types.ts";
import { pods, type NodeSelectorRequirement, type Pod, type PodSpec } from "../../src/kinds/core/pods/types.ts";
import { createDice } from "../harness/seeded.ts";
import { HOSTNAME, ZONE } from "./vocabulary.ts";
import { createWorld, type World } from "./simulated-world.ts";

const NODES = 3;
const at = (name: string) => ({ namespace: "default", name });
const pod = (name: string, spec: Partial<PodSpec> = {}, labels = { app: name }): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { ...at(name), labels },
  spec: { containers: [{ name: "c", image: "example.org/c:1" }], ...spec },
});
const asking = (cpu: string, memory = "1Mi"): Partial<PodSpec> => ({
  containers: [{ name: "c", image: "example.org/c:1", resources: { requests: { cpu, memory } } }],
});

let world: World;
beforeEach(async () => {
  world = await createWorld(createDice(1));
  for (let index = 0; index < NODES; index++) {
    const name = `node-${index}`;
    const allocatable = { cpu: "4", memory: "8Gi", pods: "10" };
    const labels = { [HOSTNAME]: name, [ZONE]: "a" };
    await world.create({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels },
      spec: {},
      status: { allocatable, capacity: allocatable },
    });
  }
  world.startScheduler();
  await world.rest();
});
afterEach(() => world.stop());

const refusal = (reason: string) => `${NODES} ${reason}`;
const nodeOf = async (name: string) => (await world.admin.get<Pod>(pods, at(name))).spec.nodeName;
const conditionOf = async (name: string) => {
  const { status } = await world.admin.get<Pod>(pods, at(name));
  return status?.conditions?.find(({ type }) => type === "PodScheduled");
};

const term = (matchExpressions: NodeSelectorRequirement[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
  },
});
const NO_NODE = refusal("node(s) didn't match Pod's node affinity/selector");
const MANY = Array.from({ length: 1_000 }, (_, index) => ({ key: `key-${index}`, operator: "Exists" as const }));
const near = (app: string, topologyKey: string) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: { app } } }],
});

test.each<[what: string, spec: Partial<PodSpec>, reasons: string]>([
  ["a selector that matches no node", { nodeSelector: { planet: "mars" } }, NO_NODE],
  [
    "a contradiction in its node affinity",
    term([
      { key: ZONE, operator: "In", values: ["a"] },
      { key: ZONE, operator: "NotIn", values: ["a"] },
    ]),
    NO_NODE,
  ],
  [
    "to be near what it must not be near",
    { affinity: { podAffinity: near("asking", ZONE), podAntiAffinity: near("there", ZONE) } },
    refusal("node(s) didn't match pod anti-affinity rules"),
  ],
  [
    "to be near pods that there are none of",
    { affinity: { podAffinity: near("nobody", ZONE) } },
    refusal("node(s) didn't match pod affinity rules"),
  ],
  [
    "a topology key that no node has",
    {
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: "unknown", whenUnsatisfiable: "DoNotSchedule", labelSelector: {} },
      ],
    },
    refusal("node(s) didn't match pod topology spread constraints (missing required label)"),
  ],
  ["more than int64 holds", asking("1", "9223372036854775808"), refusal("Insufficient memory")],
  ["more CPU than there is in the world", asking("9223372036854775807"), refusal("Insufficient cpu")],
  [
    "of two resources too much",
    asking("1k", "1Pi"),
    `${refusal("Insufficient cpu")}, ${refusal("Insufficient memory")}`,
  ],
  [
    "a node that is gone, by name",
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["gone"] }] }],
          },
        },
      },
    },
    refusal("node(s) didn't satisfy plugin(s) [NodeAffinity]"),
  ],
  [
    "1,000 tolerations, none of which is the right one",
    { tolerations: MANY, nodeSelector: { planet: "mars" } },
    NO_NODE,
  ],
])("a pod that wants %s says so, and others go on", async (_what, spec, reasons) => {
  await world.admin.create(pods, pod("there"));
  await world.rest();
  await world.admin.create(pods, pod("asking", spec));
  await world.rest();
  const message = `0/${NODES} nodes are available: ${reasons}.`;
  const said = await conditionOf("asking");
  expect(said).toMatchObject({ status: "False", reason: "Unschedulable" });
  expect(said?.message?.startsWith(message)).toBe(true);
  const { items } = await world.admin.list<CoreEvent>(events, { namespace: "default" });
  const told = items.filter(
    ({ involvedObject, reason }) => involvedObject.name === "asking" && reason === "FailedScheduling",
  );
  expect(told.map((event) => event.message)).toEqual([said?.message]);
  // Nothing happens that could help: it is left alone for as long as the longest back-off.
  const before = await world.revision();
  world.advance(60_000);
  await world.rest();
  expect(await world.revision()).toBe(before);
  await world.admin.create(pods, pod("other"));
  await world.rest();
  expect(await nodeOf("other")).toMatch(/^node-/);
  expect(await nodeOf("asking")).toBeUndefined();
});

test.each<[what: string, spec: Partial<PodSpec>]>([
  ["asks for nothing at all", asking("0", "0")],
  ["has 1,000 tolerations", { tolerations: MANY }],
  [
    "wants to be away from pods of a selector that matches nothing",
    { affinity: { podAntiAffinity: near("nobody", "unknown") } },
  ],
  [
    "prefers what is nowhere",
    {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 100, podAffinityTerm: { topologyKey: "unknown", labelSelector: {} } },
          ],
        },
      },
    },
  ],
])("a pod that %s gets its node", async (_what, spec) => {
  await world.admin.create(pods, pod("asking", spec));
  await world.rest();
  expect(await nodeOf("asking")).toMatch(/^node-/);
});

test.each<[what: string, spec: Partial<PodSpec>, text: RegExp]>([
  ["a negative amount", asking("-1"), /must be greater than or equal to 0/],
  ["no quantity", asking("much"), /quantities must match/],
])("%s is refused before the scheduler sees it", async (_what, spec, text) => {
  await expect(world.admin.create(pods, pod("asking", spec))).rejects.toThrow(text);
});

test("the node that victims made room on vanishes: the pod goes elsewhere", async () => {
  for (let index = 0; index < NODES; index++) {
    await world.admin.create(pods, pod(`low-${index}`, { ...asking("3"), priorityClassName: "low" }));
  }
  await world.rest();
  await world.admin.create(pods, pod("high", { ...asking("3"), priorityClassName: "high" }));
  await world.rest();
  const { status } = await world.admin.get<Pod>(pods, at("high"));
  const nominated = status?.nominatedNodeName ?? "";
  expect(nominated).toMatch(/^node-/);
  await world.admin.delete(nodes, { name: nominated });
  await world.audit.look();
  expect(await world.settle()).toEqual([]);
  const went = await nodeOf("high");
  expect(went).toMatch(/^node-/);
  expect(went).not.toBe(nominated);
});
