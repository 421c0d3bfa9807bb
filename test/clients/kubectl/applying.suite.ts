/** `kubectl apply` as it is without flags, and `diff`. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type Shell } from "../shell.ts";

const manifest = (name: string, data: Record<string, string>, extra: Record<string, unknown> = {}) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...extra }, data });

const deployment = (image: string, replicas?: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  ${replicas === undefined ? "" : `replicas: ${replicas}`}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: main, image: "${image}"}]}
`;

export function applyingSuite(kubectl: () => Kubectl): void {
  describe("apply, client-side", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "applying");
    });
    const apply = (stdin: string, flags = "") => shell.ok(`apply -f - ${flags}`, { stdin });
    const data = async (name: string) => (await shell.json(`get configmap ${name}`)).data;

    test("created, unchanged, configured; what is dropped goes, what others added stays", async () => {
      expect(await apply(manifest("c", { a: "1", b: "2" }))).toBe("configmap/c created");
      expect(await apply(manifest("c", { a: "1", b: "2" }))).toBe("configmap/c unchanged");
      await shell.ok(`patch configmap c --type=merge -p '{"data":{"other":"x"}}'`);
      expect(await apply(manifest("c", { a: "3" }))).toBe("configmap/c configured");
      expect(await data("c")).toEqual({ a: "3", other: "x" });
      expect(await shell.ok("apply view-last-applied configmap c -o json")).toContain('"a": "3"');
    });

    test("over what was created otherwise warns and goes on", async () => {
      await shell.ok("create configmap plain --from-literal=a=1");
      const { stderr, stdout } = await shell.run("apply -f -", { stdin: manifest("plain", { a: "2" }) });
      expect(stderr).toMatch(
        /^Warning: resource configmaps\/plain is missing the kubectl.kubernetes.io\/last-applied-configuration/,
      );
      expect(stdout).toBe("configmap/plain configured");
    });

    test("of a deployment that is scaled by others", async () => {
      expect(await apply(deployment("example.org/app:1"))).toBe("deployment.apps/app created");
      await shell.ok("scale deployment app --replicas=0");
      expect(await apply(deployment("example.org/app:2"))).toBe("deployment.apps/app configured");
      expect(
        await shell.ok("get deployment app -o jsonpath={.spec.replicas}:{.spec.template.spec.containers[0].image}"),
      ).toBe("0:example.org/app:2");
    });

    test("dry runs", async () => {
      expect(await apply(manifest("dry", { a: "1" }), "--dry-run=server")).toBe(
        "configmap/dry created (server dry run)",
      );
      expect(await apply(manifest("dry", { a: "1" }), "--dry-run=client")).toBe("configmap/dry created (dry run)");
      expect(await shell.ok("get configmap dry --ignore-not-found")).toBe("");
    });

    test("diff: 1 and the difference, or 0 and silence", async () => {
      await apply(manifest("d", { a: "1" }));
      expect(await shell.ok("diff -f -", { stdin: manifest("d", { a: "1" }) })).toBe("");
      const { code, stdout } = await shell.run("diff -f -", { stdin: manifest("d", { a: "2" }) });
      expect(code).toBe(1);
      expect(lines(stdout)).toEqual(expect.arrayContaining(['-  a: "1"', '+  a: "2"']));
      expect(await data("d")).toEqual({ a: "1" });
      const added = await shell.run("diff -f -", { stdin: manifest("new", { a: "1" }) });
      expect(added.code).toBe(1);
      expect(added.stdout).toContain('+  a: "1"');
    });

    test("prune by a set of labels", async () => {
      await apply(
        `${manifest("keep", { a: "1" }, { labels: { set: "s" } })}\n${manifest("drop", { a: "1" }, { labels: { set: "s" } })}`,
      );
      const said = lines(
        await apply(
          manifest("keep", { a: "1" }, { labels: { set: "s" } }),
          "--prune -l set=s --prune-allowlist=core/v1/ConfigMap",
        ),
      );
      expect(said).toEqual(["configmap/keep unchanged", "configmap/drop pruned"]);
    });
  });
}
