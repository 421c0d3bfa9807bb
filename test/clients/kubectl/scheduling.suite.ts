/** Where pods go, as somebody at kubectl sees it: on nodes whose pods run at once. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHttpsFetch, type HttpsFetch } from "../../../agent/https-fetch.ts";
import { createClient } from "../../../src/client/fetch-client.ts";
import { eventually } from "../../harness/eventually.ts";
import { createFakeKubelets } from "../../harness/fake-kubelets.ts";
import type { Kubectl } from "../../harness/kubectl.ts";
import type { ControlPlane } from "../control-plane.ts";
import { lines, openShell, type Shell } from "../shell.ts";

const STEP_EVERY_MS = 100;
const NODES = { "a-1": "a", "a-2": "a", "b-1": "b" } as const;
const WITHIN = { withinMs: 30_000 };

const pod = (name: string, { spec = {}, cpu = "100m", ...metadata }: PodParts = {}) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...metadata },
    spec: { containers: [{ name: "c", image: "example.org/c:1", resources: { requests: { cpu } } }], ...spec },
  });

interface PodParts {
  labels?: object;
  finalizers?: string[];
  spec?: object;
  cpu?: string;
}

const deployment = (name: string, replicas: number, spec: object) =>
  JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "c", image: "example.org/c:1" }], ...spec },
      },
    },
  });

const required = (terms: object[]) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
});
const label = (key: string, ...values: string[]) => ({ matchExpressions: [{ key, operator: "In", values }] });
const NOT_HELPFUL = "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";

export function schedulingSuite(kubectl: () => Kubectl, plane: () => ControlPlane): void {
  describe("scheduling", () => {
    let shell: Shell;
    let https: HttpsFetch;
    let stopKubelets: () => Promise<void>;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "scheduling");
      const { url, ca, token } = plane();
      https = createHttpsFetch({ ca });
      const client = createClient({ baseUrl: url, fetch: https.fetch, token: () => token, userAgent: "fake-kubelets" });
      const kubelets = createFakeKubelets({ client, now: () => Date.now() });
      for (const [name, zone] of Object.entries(NODES)) {
        await kubelets.addNode(name, { cpu: "2" });
        await shell.ok(`label node ${name} topology.kubernetes.io/zone=${zone} kubernetes.io/hostname=${name}`);
      }
      await shell.ok("label node a-1 disk=ssd");
      stopKubelets = kubelets.start(STEP_EVERY_MS);
      await shell.ok("wait node --all --for=condition=Ready --timeout=30s");
    });
    afterAll(async () => {
      await stopKubelets?.();
      https?.close();
    });

    const create = (stdin: string) => shell.ok("create -f -", { stdin });
    const nodeOf = (name: string) => shell.ok(`get pod ${name} -o jsonpath={.spec.nodeName}`);
    const runsOn = (name: string, node: string) =>
      eventually(async () => expect(await nodeOf(name)).toBe(node), WITHIN);
    /** The whole message, in the pod's condition and as `describe` shows it. */
    const isTold = (name: string, message: string) =>
      eventually(async () => {
        const { status } = await shell.json(`get pod ${name}`);
        const conditions = status.conditions as { type: string; status: string; reason?: string; message?: string }[];
        expect(conditions.find(({ type }) => type === "PodScheduled")).toMatchObject({
          status: "False",
          reason: "Unschedulable",
          message,
        });
        const described = await shell.ok(`describe pod ${name}`);
        expect(described).toContain("Status:  Pending");
        expect(described).toContain(`default-scheduler  ${message}`);
        expect(described).toMatch(/Warning {2}FailedScheduling {2}/);
        expect(described).toMatch(/Node: {2}<none>/);
      }, WITHIN);

    test("node affinity: where the labels are, or nowhere, until they are", async () => {
      await create(pod("on-ssd", { spec: { affinity: required([label("disk", "ssd")]) } }));
      await runsOn("on-ssd", "a-1");
      await create(pod("on-tape", { spec: { affinity: required([label("disk", "tape")]) } }));
      await isTold(
        "on-tape",
        `0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. ${NOT_HELPFUL}`,
      );
      await shell.ok("label node b-1 disk=tape");
      await runsOn("on-tape", "b-1");
    });

    test("taints keep pods away that don't tolerate them", async () => {
      await shell.ok("taint node b-1 dedicated=team:NoSchedule");
      const inB = { nodeSelector: { "topology.kubernetes.io/zone": "b" } };
      await create(pod("stranger", { spec: inB }));
      await isTold(
        "stranger",
        `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. ${NOT_HELPFUL}`,
      );
      const tolerations = [{ key: "dedicated", operator: "Equal", value: "team", effect: "NoSchedule" }];
      await create(pod("member", { spec: { ...inB, tolerations } }));
      await runsOn("member", "b-1");
      await shell.ok("taint node b-1 dedicated-");
      await runsOn("stranger", "b-1");
    });

    test("cordoned nodes take no more pods, until they are uncordoned", async () => {
      await shell.ok("cordon b-1");
      await create(pod("waits", { spec: { nodeSelector: { disk: "tape" } } }));
      await isTold(
        "waits",
        `0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. ${NOT_HELPFUL}`,
      );
      await shell.ok("uncordon b-1");
      await runsOn("waits", "b-1");
      await shell.ok("delete pods --all --timeout=30s");
    });

    test("spreading: as many in each zone", async () => {
      const constraint = {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { app: "spread" } },
      };
      await create(deployment("spread", 6, { topologySpreadConstraints: [constraint] }));
      await shell.ok("rollout status deployment/spread --timeout=60s");
      const on = (await shell.ok("get pods -l app=spread -o jsonpath={.items[*].spec.nodeName}")).split(" ");
      expect(on.filter((name) => name === "b-1")).toHaveLength(3);
      await shell.ok("delete deployment spread --timeout=30s");
    });

    test("anti-affinity: one on each node, and the next one says why it waits", async () => {
      const term = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "alone" } } };
      const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
      await create(deployment("alone", 3, { affinity }));
      await shell.ok("rollout status deployment/alone --timeout=60s");
      const on = (await shell.ok("get pods -l app=alone -o jsonpath={.items[*].spec.nodeName}")).split(" ");
      expect(on.toSorted()).toEqual(Object.keys(NODES));
      await create(pod("fourth", { labels: { app: "alone" }, spec: { affinity } }));
      await isTold(
        "fourth",
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. " +
          "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
      );
      await shell.ok("delete deployment alone --timeout=30s");
      await eventually(async () => expect(await nodeOf("fourth")).not.toBe(""), WITHIN);
      await shell.ok("delete pod fourth --timeout=30s");
    });

    test("preemption: the more important pod gets the place of a less important one, which is told why it goes", async () => {
      await shell.ok("create priorityclass important --value=1000");
      const filling = Object.keys(NODES).map((name) => `low-${name}`);
      for (const name of filling) await create(pod(name, { cpu: "1500m", finalizers: ["example.org/keep"] }));
      await eventually(async () => {
        const on = await Promise.all(filling.map(nodeOf));
        expect(on.toSorted()).toEqual(Object.keys(NODES));
      }, WITHIN);
      await create(pod("never", { cpu: "1500m" }));
      await isTold(
        "never",
        "0/3 nodes are available: 3 Insufficient cpu. " +
          "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
      );
      await create(pod("high", { cpu: "1500m", spec: { priorityClassName: "important" } }));
      const victim = await eventually(async () => {
        const { status } = await shell.json("get pod high");
        expect(Object.keys(NODES)).toContain(status.nominatedNodeName);
        const found = (await Promise.all(filling.map((name) => shell.json(`get pod ${name}`)))).filter(
          ({ metadata }) => metadata.deletionTimestamp !== undefined,
        );
        expect(found).toHaveLength(1);
        expect(found[0]?.spec.nodeName).toBe(status.nominatedNodeName);
        return found[0];
      }, WITHIN);
      expect(victim?.status.conditions).toContainEqual(
        expect.objectContaining({
          type: "DisruptionTarget",
          status: "True",
          reason: "PreemptionByScheduler",
          message: "default-scheduler: preempting to accommodate a higher priority pod",
        }),
      );
      const name = victim?.metadata.name ?? "";
      await eventually(async () => {
        const { metadata } = await shell.json("get pod high");
        const found = await shell.ok(
          `get events --field-selector involvedObject.name=${name},reason=Preempted --no-headers`,
        );
        expect(found).toContain(`Preempted by pod ${metadata.uid} on node ${victim?.spec.nodeName}`);
      }, WITHIN);
      await shell.ok(`patch pod ${name} --type=merge -p '{"metadata":{"finalizers":null}}'`);
      await runsOn("high", victim?.spec.nodeName ?? "");
      expect(await nodeOf("never")).toBe("");
      for (const other of filling) {
        await shell.run(`patch pod ${other} --type=merge -p '{"metadata":{"finalizers":null}}'`);
      }
      await shell.ok("delete pods --all --timeout=30s");
    });

    test("scheduling gates hold a pod back until the last one is removed", async () => {
      await create(
        pod("gated", { spec: { schedulingGates: [{ name: "example.org/one" }, { name: "example.org/two" }] } }),
      );
      await eventually(async () =>
        expect(await shell.ok("get pod gated --no-headers")).toMatch(/^gated {2}0\/1 {2}SchedulingGated/),
      );
      const { status } = await shell.json("get pod gated");
      expect(status.conditions).toContainEqual(
        expect.objectContaining({
          type: "PodScheduled",
          status: "False",
          reason: "SchedulingGated",
          message: "Scheduling is blocked due to non-empty scheduling gates",
        }),
      );
      await shell.ok(`patch pod gated --type=json -p '[{"op":"remove","path":"/spec/schedulingGates/0"}]'`);
      expect(await nodeOf("gated")).toBe("");
      await shell.ok(`patch pod gated --type=json -p '[{"op":"remove","path":"/spec/schedulingGates/0"}]'`);
      await eventually(async () => expect(await nodeOf("gated")).not.toBe(""), WITHIN);
      expect(
        lines(await shell.ok("get events --field-selector involvedObject.name=gated,reason=FailedScheduling")),
      ).toEqual(expect.not.arrayContaining([expect.stringContaining("FailedScheduling")]));
    });

    test("a scheduler's name that nobody answers to: the pod is left alone", async () => {
      await create(pod("foreign", { spec: { schedulerName: "somebody-else" } }));
      await create(pod("own"));
      await eventually(async () => expect(await nodeOf("own")).not.toBe(""), WITHIN);
      expect(await nodeOf("foreign")).toBe("");
      const { status } = await shell.json("get pod foreign");
      expect(status.conditions ?? []).toEqual([]);
    });
  });
}
