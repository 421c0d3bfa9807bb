/** `kubectl describe` of each kind: it reads events, owners and related objects on its own. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { eventually } from "../../harness/eventually.ts";
import { lines, openShell, type Shell } from "../shell.ts";

const NODE = `
apiVersion: v1
kind: Node
metadata: {name: described, labels: {zone: a}}
spec: {podCIDR: 10.244.9.0/24, unschedulable: true}
`;

export function describingSuite(kubectl: () => Kubectl): void {
  describe("describe", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "describing");
      await shell.ok("create configmap settings --from-literal=colour=blue");
      await shell.ok("create secret generic password --from-literal=value=hunter2");
      await shell.ok("create deployment web --image=example.org/web:1 --port=8080 --replicas=2");
      await shell.ok("expose deployment web --port=80 --target-port=8080");
      await shell.ok("create -f -", { stdin: NODE });
      await eventually(async () => expect(lines(await shell.ok("get pods -o name"))).toHaveLength(2));
    });

    const described: [what: string, shows: string[]][] = [
      ["configmap settings", ["Name:  settings", "colour:", "blue", "Events:  <none>"]],
      ["secret password", ["Type:  Opaque", "value:  7 bytes"]],
      ["serviceaccount default", ["Name:  default", "Image pull secrets:  <none>"]],
      [
        "service web",
        [
          "Type:  ClusterIP",
          "IP Family Policy:  SingleStack",
          "IP Families:  IPv4",
          "Port:  <unset>  80/TCP",
          "TargetPort:  8080/TCP",
          "Session Affinity:  None",
        ],
      ],
      [
        "deployment web",
        [
          "Replicas:  2 desired | 2 updated | 2 total | 0 available | 2 unavailable",
          "StrategyType:  RollingUpdate",
          "RollingUpdateStrategy:  25% max unavailable, 25% max surge",
          "OldReplicaSets:  <none>",
        ],
      ],
      [
        "replicaset",
        ["Controlled By:  Deployment/web", "Pods Status:  0 Running / 2 Waiting / 0 Succeeded / 0 Failed"],
      ],
      [
        "node described",
        [
          "Unschedulable:  true",
          "node.kubernetes.io/unschedulable:NoSchedule",
          "PodCIDR:  10.244.9.0/24",
          "Non-terminated Pods:  (0 in total)",
        ],
      ],
      [
        "namespace kube-system",
        ["Name:  kube-system", "Labels:  kubernetes.io/metadata.name=kube-system", "Status:  Active"],
      ],
      ["endpointslices", ["AddressType:  IPv4", "kubernetes.io/service-name=web"]],
    ];
    test.each(described)("%s", async (what, shows) => {
      const text = await eventually(
        async () => {
          const found = await shell.ok(`describe ${what}`);
          for (const line of shows) expect(found).toContain(line);
          return found;
        },
        { withinMs: 15_000 },
      );
      expect(text).not.toContain("Error");
    });

    test("a pod, with the events about it", async () => {
      const [pod = ""] = lines(await shell.ok("get pods -l app=web -o name"));
      const text = await eventually(
        async () => {
          const found = await shell.ok(`describe ${pod}`);
          expect(found).toMatch(/Warning {2}FailedScheduling {2}AGE.* default-scheduler {2}0\/1 nodes are available/);
          return found;
        },
        { withinMs: 15_000 },
      );
      for (const line of [
        "Service Account:  default",
        "Controlled By:  ReplicaSet/web-",
        "QoS Class:  BestEffort",
        "PodScheduled  False",
        "kube-api-access-",
      ]) {
        expect(text).toContain(line);
      }
    });

    test("by a part of the name, by label, and what is not there", async () => {
      expect(await shell.ok("describe configmap sett")).toContain("Name:  settings");
      expect((await shell.ok("describe pods -l app=web")).match(/^Name: /gm)).toHaveLength(2);
      expect(await shell.fails("describe configmap zzz")).toBe(
        'Error from server (NotFound): configmaps "zzz" not found',
      );
    });

    test("events, sorted and filtered", async () => {
      expect(
        lines(
          await shell.ok(
            "get events --field-selector involvedObject.kind=Deployment,involvedObject.name=web --no-headers",
          ),
        ),
      ).toEqual([
        expect.stringMatching(
          /^AGE {2}Normal {2}ScalingReplicaSet {2}deployment\/web {2}Scaled up replica set web-\S+ from 0 to 2$/,
        ),
      ]);
      const table = lines(await shell.ok("events"));
      expect(table[0]).toBe("LAST SEEN  TYPE  REASON  OBJECT  MESSAGE");
      expect(table.length).toBeGreaterThan(3);
      const warnings = lines(await shell.ok("events --types=Warning --no-headers"));
      expect(warnings.length).toBeGreaterThan(0);
      for (const row of warnings) expect(row).toMatch(/Warning {2}FailedScheduling {2}Pod\//);
      expect(await shell.ok("events --for deployment/web --no-headers")).toMatch(
        /ScalingReplicaSet {2}Deployment\/web/,
      );
    });
  });
}
