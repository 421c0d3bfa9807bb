/** `kubectl delete` with each cascade, grace, selector and wait, as the garbage collector and the namespace controller finish it. */
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../harness/eventually.ts";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type Shell } from "../shell.ts";

export function deletingSuite(kubectl: () => Kubectl): void {
  describe("delete", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "deleting");
    });
    const names = async (what: string) => lines(await shell.ok(`get ${what} -o name`));
    const hold = (name: string) =>
      shell.ok(`patch configmap ${name} --type=merge -p '{"metadata":{"finalizers":["example.org/hold"]}}'`);
    const release = (name: string) =>
      shell.ok(`patch configmap ${name} --type=merge -p '{"metadata":{"finalizers":null}}'`);

    test("by name, by file, by selector, all", async () => {
      for (const name of ["a", "b", "c", "d"]) await shell.ok(`create configmap ${name}`);
      await shell.ok("label configmap b c group=g");
      expect(await shell.ok("delete configmap a")).toBe('configmap "a" deleted');
      expect(lines(await shell.ok("delete configmap -l group=g"))).toEqual([
        'configmap "b" deleted',
        'configmap "c" deleted',
      ]);
      expect(await shell.ok("delete configmap --field-selector metadata.name=d")).toBe('configmap "d" deleted');
      const stdin = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"e"}}';
      await shell.ok("create -f -", { stdin });
      expect(await shell.ok("delete -f -", { stdin })).toBe('configmap "e" deleted');
      await shell.ok("create secret generic x");
      await shell.ok("create secret generic y");
      expect(lines(await shell.ok("delete secrets --all"))).toEqual(['secret "x" deleted', 'secret "y" deleted']);
    });

    test("what is not there, and dry runs", async () => {
      expect(await shell.fails("delete configmap nope")).toBe(
        'Error from server (NotFound): configmaps "nope" not found',
      );
      expect(await shell.ok("delete configmap nope --ignore-not-found")).toBe("");
      await shell.ok("create configmap stays");
      expect(await shell.ok("delete configmap stays --dry-run=server")).toBe(
        'configmap "stays" deleted (server dry run)',
      );
      expect(await shell.ok("delete configmap stays --dry-run=client")).toBe('configmap "stays" deleted (dry run)');
      expect(await names("configmap stays")).toEqual(["configmap/stays"]);
    });

    test("waits for finalizers, unless told not to", async () => {
      await shell.ok("create configmap held");
      await hold("held");
      expect(await shell.ok("delete configmap held --wait=false")).toBe('configmap "held" deleted');
      expect((await shell.json("get configmap held")).metadata.deletionTimestamp).toMatch(/Z$/);
      expect(await shell.fails("wait --for=delete configmap/held --timeout=1s")).toContain(
        "error: timed out waiting for the condition on configmaps/held",
      );
      const waiting = shell.kubectl.start(shell.words("delete configmap held"));
      const ended = new Promise((resolve) => waiting.once("close", resolve));
      let told = "";
      waiting.stdout.on("data", (chunk: Buffer) => (told += chunk.toString()));
      // It has asked, and waits.
      await eventually(async () => expect(told.trim()).toBe('configmap "held" deleted'), { withinMs: 20_000 });
      expect(waiting.exitCode).toBeNull();
      await release("held");
      expect(await ended).toBe(0);
      expect(await shell.ok("get configmap held --ignore-not-found")).toBe("");
    });

    const deploy = async (name: string): Promise<void> => {
      await shell.ok(`create deployment ${name} --image=example.org/app:1`);
      await eventually(async () => expect(await names(`pods -l app=${name}`)).toHaveLength(1), { withinMs: 20_000 });
    };
    const dependents = (name: string) => names(`replicasets,pods -l app=${name}`);

    test("background: the owner goes at once, its dependents follow", async () => {
      await deploy("background");
      expect(await shell.ok("delete deployment background")).toBe('deployment.apps "background" deleted');
      await eventually(async () => expect(await dependents("background")).toEqual([]), { withinMs: 20_000 });
    });

    test("foreground: the owner goes last", async () => {
      await deploy("foreground");
      expect(await shell.ok("delete deployment foreground --cascade=foreground")).toBe(
        'deployment.apps "foreground" deleted',
      );
      expect(await dependents("foreground")).toEqual([]);
    });

    test("orphan: dependents stay and lose their owner", async () => {
      await deploy("orphan");
      await shell.ok("delete deployment orphan --cascade=orphan");
      const [replicaSet = ""] = await names("replicasets -l app=orphan");
      expect((await shell.json(`get ${replicaSet}`)).metadata.ownerReferences).toBeUndefined();
      expect(await names("pods -l app=orphan")).toHaveLength(1);
      await shell.ok(`delete ${replicaSet}`);
      await eventually(async () => expect(await dependents("orphan")).toEqual([]), { withinMs: 20_000 });
    });

    test("pods: at once where they were never scheduled, whatever the grace", async () => {
      for (const name of ["p1", "p2", "p3"]) await shell.ok(`run ${name} --image=example.org/app:1`);
      expect(await shell.ok("delete pod p1 --now")).toBe('pod "p1" deleted');
      expect(await shell.ok("delete pod p2 --grace-period=60")).toBe('pod "p2" deleted');
      const forced = await shell.run("delete pod p3 --grace-period=0 --force");
      expect(forced.stdout).toBe('pod "p3" force deleted');
      expect(await names("pods --field-selector metadata.name!=none")).toEqual([]);
    });

    test("a namespace with everything in it; while it goes, nothing new comes in", async () => {
      const doomed = await openShell(shell.kubectl, "doomed");
      await doomed.ok("create configmap held");
      await doomed.ok("create deployment web --image=example.org/web:1");
      await doomed.ok(`patch configmap held --type=merge -p '{"metadata":{"finalizers":["example.org/hold"]}}'`);
      await doomed.ok(`delete namespace ${doomed.namespace} --wait=false`);
      expect(await doomed.ok(`get namespace ${doomed.namespace} -o jsonpath={.status.phase}`)).toBe("Terminating");
      expect(await doomed.fails("create configmap late")).toMatch(
        new RegExp(
          `configmaps "late" is forbidden: unable to create new content in namespace ${doomed.namespace} because it is being terminated$`,
        ),
      );
      await doomed.ok(`wait --for=condition=NamespaceFinalizersRemaining namespace/${doomed.namespace} --timeout=20s`);
      expect(await doomed.ok("get deployments,pods -o name")).toBe("");
      await doomed.ok(`patch configmap held --type=merge -p '{"metadata":{"finalizers":null}}'`);
      await doomed.ok(`wait --for=delete namespace/${doomed.namespace} --timeout=30s`);
      expect(await shell.fails(`get namespace ${doomed.namespace}`)).toBe(
        `Error from server (NotFound): namespaces "${doomed.namespace}" not found`,
      );
    });

    test("what may not be deleted", async () => {
      // k8s.io/apiserver NamespaceLifecycle: the namespaces that a cluster cannot do without.
      for (const name of ["default", "kube-system"]) {
        expect(await shell.fails(`delete namespace ${name}`)).toContain(
          `Error from server (Forbidden): namespaces "${name}" is forbidden: this namespace may not be deleted`,
        );
      }
    });
  });
}
