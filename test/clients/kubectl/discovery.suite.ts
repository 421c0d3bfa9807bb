/** What kubectl learns about the server: its resources, their schemas, its versions and who one is. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type Shell } from "../shell.ts";

export function discoverySuite(kubectl: () => Kubectl, plane: () => { url: string }): void {
  describe("discovery", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "discovery");
    });

    test("api-resources", async () => {
      const all = lines(await shell.ok("api-resources"));
      expect(all[0]).toBe("NAME  SHORTNAMES  APIVERSION  NAMESPACED  KIND");
      for (const row of [
        "configmaps  cm  v1  true  ConfigMap",
        "namespaces  ns  v1  false  Namespace",
        "pods  po  v1  true  Pod",
        "deployments  deploy  apps/v1  true  Deployment",
        "selfsubjectaccessreviews    authorization.k8s.io/v1  false  SelfSubjectAccessReview",
      ]) {
        expect(all).toContain(settledRow(row));
      }
      expect(all.filter((row) => row.includes("/status") || row.includes("/scale"))).toEqual([]);
      expect(lines(await shell.ok("api-resources --api-group=apps -o name"))).toContain("deployments.apps");
      expect(lines(await shell.ok("api-resources --namespaced=false -o name"))).toContain("nodes");
      expect(lines(await shell.ok("api-resources --verbs=deletecollection -o name"))).not.toContain("namespaces");
      expect(lines(await shell.ok("api-resources --categories=all -o name"))).toEqual(
        expect.arrayContaining(["pods", "services", "deployments.apps", "replicasets.apps"]),
      );
      expect(await shell.ok("api-resources --api-group=apps -o wide")).toContain(
        "deployments  deploy  apps/v1  true  Deployment  create,delete,deletecollection,get,list,patch,update,watch  all",
      );
    });

    test("api-versions", async () => {
      const versions = lines(await shell.ok("api-versions"));
      expect(versions).toEqual(
        expect.arrayContaining(["apps/v1", "authorization.k8s.io/v1", "coordination.k8s.io/v1", "v1"]),
      );
      expect(versions).toEqual(versions.toSorted());
    });

    test("version and cluster-info", async () => {
      expect(await shell.ok("version")).toMatch(/^Server Version: v1\.36\.\d+\+gantry$/m);
      const { serverVersion } = await shell.json<{ serverVersion: Record<string, string> }>("version");
      expect(serverVersion).toMatchObject({ major: "1", minor: "36" });
      expect(await shell.ok("cluster-info")).toContain(plane().url);
    });

    const explained: [what: string, shows: string[]][] = [
      ["pods", ["KIND:  Pod", "VERSION:  v1", "spec\t<PodSpec>"]],
      [
        "deployment.spec.strategy",
        ["GROUP:  apps", "FIELD: strategy <DeploymentStrategy>", "rollingUpdate\t<RollingUpdateDeployment>"],
      ],
      ["pod.spec.containers.imagePullPolicy", ["FIELD: imagePullPolicy <string>", "Always", "IfNotPresent", "Never"]],
      ["cm.data", ["FIELD: data <map[string]string>"]],
      ["pod.spec.containers.ports", ["FIELD: ports <[]ContainerPort>", "containerPort\t<integer> -required-"]],
      ["service.spec.ports.targetPort", ["FIELD: targetPort <IntOrString>"]],
      ["pod.metadata.creationTimestamp", ["FIELD: creationTimestamp <string>"]],
    ];
    test.each(explained)("explain %s", async (what, shows) => {
      const text = await shell.ok(`explain ${what}`);
      for (const line of shows) expect(text).toContain(line);
    });

    test("explain --recursive, another version, what there is not", async () => {
      const all = await shell.ok("explain pods --recursive");
      for (const field of [
        "livenessProbe\t<Probe>",
        "topologySpreadConstraints\t<[]TopologySpreadConstraint>",
        "managedFields\t<[]ManagedFieldsEntry>",
      ]) {
        expect(all).toContain(field);
      }
      expect(await shell.ok("explain deployments --api-version=apps/v1")).toContain("VERSION:  v1");
      expect(await shell.fails("explain pods.spec.nope")).toBe('error: field "nope" does not exist');
      expect(await shell.fails("explain nope")).toBe('the server doesn\'t have a resource type "nope"');
    });

    test("auth", async () => {
      expect(await shell.ok("auth can-i create deployments.apps")).toBe("yes");
      expect(await shell.ok("auth can-i '*' '*'")).toBe("yes");
      expect(await shell.ok("auth can-i get /healthz")).toBe("yes");
      expect(lines(await shell.ok("auth whoami"))).toEqual([
        "ATTRIBUTE  VALUE",
        "Username  admin",
        "Groups  [system:masters system:authenticated]",
      ]);
      const nobody = await shell.run("--token=nonsense get pods");
      expect(nobody).toEqual({
        code: 1,
        stdout: "",
        stderr: "error: You must be logged in to the server (Unauthorized)",
      });
    });

    test("top says that there are no metrics", async () => {
      expect(await shell.fails("top pods")).toBe("error: Metrics API not available");
      expect(await shell.fails("top nodes")).toBe("error: Metrics API not available");
    });

    test("config shows the kubeconfig we write", async () => {
      expect(await shell.ok("config view --minify -o jsonpath={.clusters[0].cluster.server}")).toBe(plane().url);
      expect(await shell.ok("config get-contexts -o name")).toBe(await shell.ok("config current-context"));
      expect(await shell.ok("config view -o jsonpath={.users[0].user.token}")).toBe("REDACTED");
    });
  });
}

function settledRow(row: string): string {
  return row.replaceAll(/ {2,}/g, "  ");
}
