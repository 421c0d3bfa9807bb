/** `kubectl get --watch` and `wait`: what happens is told as it happens. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../harness/eventually.ts";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, settled, type AnyObject, type Shell } from "../shell.ts";

interface Following {
  /** Everything printed so far. */
  text(): string;
  /** Waits until the settled output is these lines. */
  shows(expected: string[]): Promise<void>;
  /** Waits for so many lines of plain output. */
  lines(count: number): Promise<string[]>;
}

export function watchingSuite(kubectl: () => Kubectl): void {
  describe("watch", () => {
    let shell: Shell;
    const followed: ChildProcessWithoutNullStreams[] = [];
    beforeAll(async () => {
      shell = await openShell(kubectl(), "watching");
      await shell.ok("wait --for=create configmap/kube-root-ca.crt --timeout=20s");
    });
    afterEach(() => {
      for (const child of followed.splice(0)) child.kill("SIGKILL");
    });

    function follow(line: string): Following {
      const child = shell.kubectl.start(shell.words(line));
      followed.push(child);
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
      const withinMs = 20_000;
      return {
        text: () => text,
        shows: (expected) =>
          eventually(() => expect(lines(settled(text))).toEqual(expected), { withinMs, everyMs: 30 }),
        lines: (count) =>
          eventually(
            () => {
              const complete = text.split("\n").slice(0, -1);
              expect(complete.length).toBeGreaterThanOrEqual(count);
              return complete;
            },
            { withinMs, everyMs: 30 },
          ),
      };
    }

    test("a table: what is there first, then changes", async () => {
      await shell.ok("create service clusterip first --clusterip=None --tcp=80");
      const watch = follow("get services --watch");
      const head = ["NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE", "first  ClusterIP  None  <none>  80/TCP  AGE"];
      await watch.shows(head);
      await shell.ok("create service clusterip second --clusterip=None --tcp=81");
      await shell.ok("label service first seen=yes");
      await shell.ok("delete service second");
      await watch.shows([
        ...head,
        "second  ClusterIP  None  <none>  81/TCP  AGE",
        "first  ClusterIP  None  <none>  80/TCP  AGE",
        "second  ClusterIP  None  <none>  81/TCP  AGE",
      ]);
    });

    test("by label, with types: objects come and go as they match", async () => {
      const watch = follow("get configmaps -l watched=yes --output-watch-events --watch --no-headers");
      await shell.ok("create configmap m");
      // There is no sign that a watch of nothing has begun: go on until it says something.
      await eventually(
        async () => {
          await shell.ok("label configmap m watched=yes --overwrite");
          await shell.ok("label configmap m watched-");
          expect(watch.text()).toContain("DELETED");
        },
        { withinMs: 20_000 },
      );
      await shell.ok("label configmap m watched=yes");
      await shell.ok(`patch configmap m --type=merge -p '{"data":{"a":"1"}}'`);
      await shell.ok("delete configmap m");
      await eventually(
        () =>
          expect(lines(settled(watch.text())).slice(-3)).toEqual([
            "ADDED  m  0  AGE",
            "MODIFIED  m  1  AGE",
            "DELETED  m  1  AGE",
          ]),
        { withinMs: 20_000 },
      );
    });

    test("only changes, as JSON", async () => {
      await shell.ok("create configmap before");
      const watch = follow("get configmaps --watch-only --output-watch-events -o json");
      await eventually(
        async () => {
          await shell.ok(`annotate configmap before at=${Date.now()} --overwrite`);
          expect(watch.text()).not.toBe("");
        },
        { withinMs: 20_000 },
      );
      const [first = ""] = await watch.lines(1);
      const event = JSON.parse(first) as { type: string; object: AnyObject };
      expect(event.type).toBe("MODIFIED");
      expect(event.object).toMatchObject({ kind: "ConfigMap", metadata: { name: "before" } });
    });

    test("one object by name, as names", async () => {
      await shell.ok("create configmap single");
      const watch = follow("get configmap single --watch -o name");
      await watch.lines(1);
      await shell.ok("create configmap other");
      await shell.ok("label configmap single a=b");
      await watch.lines(2);
      expect(watch.text()).toBe("configmap/single\nconfigmap/single\n");
    });

    test("events as they are recorded", async () => {
      const watch = follow("events --watch --types=Warning");
      await shell.ok("run never --image=example.org/app:1");
      await eventually(() => expect(watch.text()).toMatch(/FailedScheduling +Pod\/never/), { withinMs: 20_000 });
      await shell.ok("delete pod never");
    });

    describe("wait", () => {
      test("for creation, a value, a condition and deletion", async () => {
        const created = shell.ok("wait --for=create configmap/later --timeout=20s");
        await shell.ok("create configmap later --from-literal=state=young");
        expect(await created).toBe("configmap/later condition met");

        const changed = shell.ok("wait --for=jsonpath='{.data.state}'=old configmap/later --timeout=20s");
        await shell.ok(`patch configmap later --type=merge -p '{"data":{"state":"old"}}'`);
        expect(await changed).toBe("configmap/later condition met");

        await shell.ok("create -f -", {
          stdin:
            '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"conditional"},"spec":{"containers":[{"name":"c","image":"i"}]}}',
        });
        const ready = shell.ok("wait --for=condition=Ready pod/conditional --timeout=20s");
        const status = { status: { conditions: [{ type: "Ready", status: "True" }] } };
        await shell.ok(`patch pod conditional --subresource=status -p '${JSON.stringify(status)}'`);
        expect(await ready).toBe("pod/conditional condition met");

        await shell.ok(`patch configmap later --type=merge -p '{"metadata":{"finalizers":["example.org/hold"]}}'`);
        await shell.ok("delete configmap later --wait=false");
        const gone = shell.ok("wait --for=delete configmap/later --timeout=20s");
        await shell.ok(`patch configmap later --type=merge -p '{"metadata":{"finalizers":null}}'`);
        // Says nothing where the object had gone before it looked.
        expect(await gone).toMatch(/^$|^configmap\/later condition met$/);
        expect(await shell.ok("get configmap later --ignore-not-found")).toBe("");
        await shell.ok("delete pod conditional");
      });

      test("in vain", async () => {
        await shell.ok("create deployment idle --image=example.org/app:1");
        expect(await shell.fails("wait --for=condition=Available deployment/idle --timeout=1s")).toBe(
          "error: timed out waiting for the condition on deployments/idle",
        );
        expect(await shell.fails("wait --for=create configmap/nope --timeout=1s")).toBe(
          "error: timed out waiting for the condition",
        );
        expect(await shell.fails("wait --for=condition=Ready pod/nope --timeout=1s")).toBe(
          'Error from server (NotFound): pods "nope" not found',
        );
        await shell.ok("delete deployment idle");
      });
    });
  });
}
