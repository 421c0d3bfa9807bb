/** Rollouts of Deployments over nodes whose pods run at once, and what is done to nodes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHttpsFetch, type HttpsFetch } from "../../../agent/https-fetch.ts";
import { createClient } from "../../../src/client/fetch-client.ts";
import { eventually } from "../../harness/eventually.ts";
import { createFakeKubelets } from "../../harness/fake-kubelets.ts";
import type { Kubectl } from "../../harness/kubectl.ts";
import type { ControlPlane } from "../control-plane.ts";
import { lines, openShell, type Shell } from "../shell.ts";

const STEP_EVERY_MS = 100;

export function rolloutsSuite(kubectl: () => Kubectl, plane: () => ControlPlane): void {
  describe("rollout", () => {
    let shell: Shell;
    let https: HttpsFetch;
    let stopKubelets: () => Promise<void>;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "rollouts");
      const { url, ca, token } = plane();
      https = createHttpsFetch({ ca });
      const client = createClient({ baseUrl: url, fetch: https.fetch, token: () => token, userAgent: "fake-kubelets" });
      const kubelets = createFakeKubelets({ client, now: () => Date.now() });
      await kubelets.addNode("fake-1");
      stopKubelets = kubelets.start(STEP_EVERY_MS);
      await shell.ok("create deployment rolled --image=example.org/web:1 --replicas=2");
      await shell.ok("rollout status deployment/rolled --timeout=30s");
    });
    afterAll(async () => {
      await stopKubelets?.();
      https?.close();
    });
    const image = () => shell.ok("get deployment rolled -o jsonpath={.spec.template.spec.containers[0].image}");
    const done = () => shell.ok("rollout status deployment/rolled --timeout=30s");

    test("status tells the way to the end", async () => {
      await shell.ok("set image deployment/rolled web=example.org/web:2");
      expect(lines(await done()).at(-1)).toBe('deployment "rolled" successfully rolled out');
      expect(await shell.ok("get deployment rolled --no-headers")).toBe("rolled  2/2  2  2  AGE");
      expect(await shell.ok("wait --for=condition=Available deployment/rolled --timeout=10s")).toBe(
        "deployment.apps/rolled condition met",
      );
    });

    test("history, one revision, undo, undo to a revision", async () => {
      await shell.ok("annotate deployment rolled kubernetes.io/change-cause=second");
      await eventually(async () =>
        expect(lines(await shell.ok("rollout history deployment/rolled"))).toEqual([
          "deployment.apps/rolled",
          "REVISION  CHANGE-CAUSE",
          "1  <none>",
          "2  second",
        ]),
      );
      expect(await shell.ok("rollout history deployment/rolled --revision=1")).toMatch(/Image:\s+example.org\/web:1/);
      expect(await shell.ok("rollout undo deployment/rolled")).toBe("deployment.apps/rolled rolled back");
      await done();
      expect(await image()).toBe("example.org/web:1");
      expect(await shell.ok("rollout undo deployment/rolled --to-revision=2")).toBe(
        "deployment.apps/rolled rolled back",
      );
      await done();
      expect(await image()).toBe("example.org/web:2");
      expect(await shell.fails("rollout undo deployment/rolled --to-revision=99")).toBe(
        "error: unable to find specified revision 99 in history",
      );
    });

    test("pause, resume, restart", async () => {
      expect(await shell.ok("rollout pause deployment/rolled")).toBe("deployment.apps/rolled paused");
      expect(await shell.fails("rollout pause deployment/rolled")).toBe(
        'error: deployments.apps "rolled" is already paused',
      );
      const [before] = lines(
        await shell.ok("get replicasets -l app=rolled -o name --sort-by=.metadata.creationTimestamp"),
      ).slice(-1);
      await shell.ok("set image deployment/rolled web=example.org/web:4");
      expect(await shell.fails("rollout restart deployment/rolled")).toMatch(/can't restart paused deployment/);
      expect(await shell.ok("get replicasets -l app=rolled -o name --sort-by=.metadata.creationTimestamp")).toContain(
        before,
      );
      expect(await shell.ok("rollout resume deployment/rolled")).toBe("deployment.apps/rolled resumed");
      expect(await shell.fails("rollout resume deployment/rolled")).toBe(
        'error: deployments.apps "rolled" is not paused',
      );
      await done();
      expect(await shell.ok("rollout restart deployment/rolled")).toBe("deployment.apps/rolled restarted");
      await done();
      expect(await shell.json("get deployment rolled")).toMatchObject({
        spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": expect.any(String) } } } },
      });
    });

    test("a service finds the pods", async () => {
      await shell.ok("expose deployment rolled --port=80 --target-port=8080");
      await eventually(async () => {
        const text = await shell.ok("describe service rolled");
        expect(text).toMatch(/Endpoints: {2}10\.244\.0\.\d+:8080,10\.244\.0\.\d+:8080/);
      });
    });

    test("pods on nodes", async () => {
      const rows = lines(
        await shell.ok(
          "get pods -l app=rolled --field-selector spec.nodeName=fake-1,status.phase=Running -o wide --no-headers",
        ),
      );
      expect(rows).toHaveLength(2);
      for (const row of rows) expect(row).toMatch(/^rolled-\S+ {2}0\/1|^rolled-\S+ {2}1\/1/);
      expect(await shell.ok("describe node fake-1")).toMatch(new RegExp(`${shell.namespace} {2}rolled-`));
    });

    test("cordon, uncordon, taint", async () => {
      expect(await shell.ok("cordon fake-1")).toBe("node/fake-1 cordoned");
      expect(await shell.ok("cordon fake-1")).toBe("node/fake-1 already cordoned");
      expect(await shell.ok("get node fake-1 --no-headers")).toMatch(
        /^fake-1 {2}Ready,SchedulingDisabled {2}<none> {2}AGE/,
      );
      expect(await shell.ok("uncordon fake-1")).toBe("node/fake-1 uncordoned");
      expect(await shell.ok("taint node fake-1 team=a:NoSchedule")).toBe("node/fake-1 tainted");
      expect(await shell.fails("taint node fake-1 team=b:NoSchedule")).toMatch(
        /already has team taint\(s\) with same effect/,
      );
      expect(await shell.ok("taint node fake-1 team=b:NoSchedule --overwrite")).toBe("node/fake-1 modified");
      expect(await shell.ok("taint node fake-1 team-")).toBe("node/fake-1 untainted");
      await eventually(async () => expect(await shell.ok("get node fake-1 -o jsonpath={.spec.taints}")).toBe(""));
    });

    test("a running pod is deleted by its node, within its grace", async () => {
      const [pod = ""] = lines(await shell.ok("get pods -l app=rolled -o name"));
      expect(await shell.ok(`delete ${pod} --grace-period=5`)).toMatch(/^pod "rolled-\S+" deleted$/);
      expect(await shell.ok(`get ${pod} --ignore-not-found`)).toBe("");
      await done();
    });

    test("drain waits for a disruption budget, one pod at a time", async () => {
      await shell.ok("create poddisruptionbudget rolled --selector=app=rolled --max-unavailable=1");
      const allowed = "get pdb rolled -o jsonpath={.status.disruptionsAllowed}";
      await eventually(async () => expect(await shell.ok(allowed)).toBe("1"));
      // kubectl evicts pods that are going already, too: those of the rollouts before are to be gone.
      await eventually(async () => expect(lines(await shell.ok("get pods -l app=rolled -o name"))).toHaveLength(2));
      expect(await shell.ok("get pdb rolled --no-headers")).toBe("rolled  N/A  1  1  AGE");
      // Nobody replaces a pod here before the node takes pods again: the second one has to wait for that.
      const draining = shell.run("drain fake-1 --ignore-daemonsets --timeout=60s --pod-selector=app=rolled");
      await eventually(async () => expect(await shell.ok(allowed)).toBe("0"));
      await shell.ok("uncordon fake-1");
      const { stdout, stderr } = await draining;
      expect(lines(stdout).filter((line) => /^pod\/rolled-\S+ evicted$/.test(line))).toHaveLength(2);
      expect(lines(stdout).at(-1)).toBe("node/fake-1 drained");
      expect(stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
      await shell.ok("delete pdb rolled");
      await done();
    });

    test("drain evicts", async () => {
      const said = lines(
        (await shell.run("drain fake-1 --ignore-daemonsets --timeout=30s --pod-selector=app=rolled")).stdout,
      );
      expect(said[0]).toBe("node/fake-1 cordoned");
      // Those that were going already are evicted too.
      expect(said.filter((line) => /^pod\/rolled-\S+ evicted$/.test(line)).length).toBeGreaterThanOrEqual(2);
      expect(said.at(-1)).toBe("node/fake-1 drained");
      await shell.ok("uncordon fake-1");
    });
  });
}
