/** `kubectl apply --server-side`: ownership, conflicts, and the way over from client-side apply, beside controllers that write. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { openShell, type AnyObject, type Shell } from "../shell.ts";

interface Manifest {
  name: string;
  image: string;
  replicas: number;
  env?: boolean;
}

function deployment({ name, image, replicas, env = false }: Manifest): string {
  const variables = env ? [{ name: "A", value: "1" }] : undefined;
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "web", image, env: variables, ports: [{ containerPort: 80 }] }] },
      },
    },
  });
}

/** "kubectl Apply", "kube-controller-manager Update status" … in a fixed order. */
function managers({ metadata }: AnyObject): string[] {
  const entries = metadata.managedFields ?? [];
  return entries
    .map(({ manager, operation, subresource = "" }) => `${manager} ${operation} ${subresource}`.trim())
    .toSorted();
}

export function serverSideApplySuite(kubectl: () => Kubectl): void {
  describe("apply --server-side", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "applying");
    });

    const read = (name: string): Promise<AnyObject> => shell.json(`get deployment ${name} --show-managed-fields`);

    test("leaves a controller its fields and conflicts with nobody", async () => {
      const stdin = deployment({ name: "calm", image: "example.org/app:1", replicas: 1 });
      expect(await shell.ok("apply --server-side -f -", { stdin })).toBe("deployment.apps/calm serverside-applied");
      await shell.ok("wait deployment/calm --for=jsonpath={.status.replicas}=1 --timeout=60s");
      await shell.ok("apply --server-side -f -", { stdin });
      expect(managers(await read("calm"))).toEqual([
        "kube-controller-manager Update",
        "kube-controller-manager Update status",
        "kubectl Apply",
      ]);
    });

    test("is refused what scale has taken, unless it is forced", async () => {
      const stdin = deployment({ name: "scaled", image: "example.org/app:1", replicas: 1 });
      await shell.ok("apply --server-side -f -", { stdin });
      await shell.ok("scale deployment scaled --replicas=2");
      const refused = await shell.fails("apply --server-side -f -", { stdin });
      expect(refused).toContain(
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
      );
      await shell.ok("apply --server-side --force-conflicts -f -", { stdin });
      expect((await read("scaled")).spec.replicas).toBe(1);
    });

    test("takes out what is gone from the manifest, and diff says so before", async () => {
      const before = deployment({ name: "shrunk", image: "example.org/app:1", replicas: 1, env: true });
      const after = deployment({ name: "shrunk", image: "example.org/app:2", replicas: 1 });
      await shell.ok("apply --server-side -f -", { stdin: before });
      const { code, stdout } = await shell.run("diff --server-side -f -", { stdin: after });
      expect(code).toBe(1);
      expect(stdout).toMatch(/-\s+- env:/);
      await shell.ok("apply --server-side -f -", { stdin: after });
      const [container] = (await read("shrunk")).spec.template.spec.containers;
      expect(container).toMatchObject({ image: "example.org/app:2" });
      expect(container).not.toHaveProperty("env");
    });

    test("takes over from client-side apply and goes back", async () => {
      const name = "migrated";
      await shell.ok("apply -f -", { stdin: deployment({ name, image: "example.org/app:1", replicas: 1, env: true }) });
      expect(managers(await read(name))).toContain("kubectl-client-side-apply Update");
      const next = deployment({ name, image: "example.org/app:2", replicas: 1 });
      await shell.ok("apply --server-side -f -", { stdin: next });
      const moved = await read(name);
      expect(moved.spec.template.spec.containers[0]).not.toHaveProperty("env");
      expect(managers(moved)).toContain("kubectl Apply");
      expect(managers(moved)).not.toContain("kubectl-client-side-apply Update");
      await shell.ok("apply -f -", { stdin: deployment({ name, image: "example.org/app:2", replicas: 2 }) });
      expect((await read(name)).spec.replicas).toBe(2);
    });
  });
}
