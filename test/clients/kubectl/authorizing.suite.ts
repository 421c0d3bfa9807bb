/** `kubectl auth`, and people who may do what their roles say and no more. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type Shell } from "../shell.ts";

const reconciled = (namespace: string): string => `
apiVersion: v1
kind: List
items:
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: { name: reader, namespace: ${namespace} }
    rules: [{ verbs: [get, list], apiGroups: [""], resources: [configmaps] }]
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: { name: reader, namespace: ${namespace} }
    subjects: [{ kind: User, apiGroup: rbac.authorization.k8s.io, name: rita }]
    roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
`;

export function authorizingSuite(kubectl: () => Kubectl): void {
  describe("auth", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "authorizing");
    });

    test("reconcile makes what is missing, and leaves what is more", async () => {
      expect(lines(await shell.ok("auth reconcile -f -", { stdin: reconciled(shell.namespace) }))[0]).toBe(
        "role.rbac.authorization.k8s.io/reader reconciled",
      );
      const extra = '{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["configmaps","pods"]}]}';
      await shell.ok(`patch role reader --type=merge -p '${extra}'`);
      await shell.ok("auth reconcile -f -", { stdin: reconciled(shell.namespace) });
      expect(await shell.ok("auth can-i list configmaps --as=rita")).toBe("yes");
      expect(await shell.ok("auth can-i get pods --as=rita")).toBe("yes");
      await shell.ok("auth reconcile --remove-extra-permissions -f -", { stdin: reconciled(shell.namespace) });
      expect((await shell.run("auth can-i get pods --as=rita")).stdout).toMatch(/^no/);
    });

    test("a role counts from the moment it is bound, and tells what it holds", async () => {
      await shell.ok("create serviceaccount worker");
      const worker = `--as=system:serviceaccount:${shell.namespace}:worker`;
      expect(await shell.fails(`get pods ${worker}`)).toBe(
        `Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:${shell.namespace}:worker" cannot list resource "pods" in API group "" in the namespace "${shell.namespace}"`,
      );
      await shell.ok(`create rolebinding worker --clusterrole=view --serviceaccount=${shell.namespace}:worker`);
      expect(await shell.ok(`get configmaps ${worker} -o name`)).toContain("configmap/kube-root-ca.crt");
      expect(await shell.fails(`get secrets ${worker}`)).toContain('cannot list resource "secrets"');
      expect(await shell.fails(`create configmap c ${worker}`)).toContain('cannot create resource "configmaps"');
      const held = lines(await shell.ok(`auth can-i --list ${worker}`));
      expect(held.some((line) => /^pods\/log\s+\[\]\s+\[\]\s+\[get list watch\]$/.test(line))).toBe(true);
      await shell.ok("delete rolebinding worker");
      expect(await shell.fails(`get configmaps ${worker}`)).toContain("Forbidden");
    });

    test("nobody grants what he does not have", async () => {
      await shell.ok("create rolebinding chief --clusterrole=admin --user=chief");
      expect(await shell.ok("create role reads --verb=get --resource=pods --as=chief")).toContain("created");
      expect(await shell.fails("create role nodes --verb=get --resource=nodes --as=chief")).toContain(
        'user "chief" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
      );
      expect(await shell.fails("create rolebinding all --clusterrole=cluster-admin --user=eve --as=chief")).toContain(
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
      );
    });
  });
}
