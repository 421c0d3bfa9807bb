/** A person signs up, makes two clusters, and works with them below their paths; a colleague who is a viewer may look. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHttpsFetch, type HttpsFetch } from "../../../agent/https-fetch.ts";
import { renderKubeconfig } from "../../../src/cli/kubeconfig.ts";
import { createKubectl, type Kubectl } from "../../harness/kubectl.ts";
import type { ControlPlane } from "../control-plane.ts";

const runIn = (server: string, kubectl: Kubectl, ...words: string[]) => kubectl.run([...words, "--server", server]);

export function hostedClusterSuite(plane: () => ControlPlane): void {
  describe("a cluster of an organisation", () => {
    let folder: string;
    let https: HttpsFetch;
    let server: string;
    let second: string;
    let viewerToken: string;
    let clusterCa: string;
    let owner: Kubectl;
    let viewer: Kubectl;
    let cookies: Record<"owner" | "viewer", string>;

    async function call(cookie: string, path: string, body?: object, method = "POST"): Promise<Record<string, string>> {
      const { url } = plane();
      const headers = { "content-type": "application/json", origin: url, cookie };
      const request = new Request(url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
      const response = await https.fetch(request);
      const text = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
      const set = response.headers.get("set-cookie")?.split(";")[0] ?? "";
      return { ...(JSON.parse(text || "{}") as Record<string, string>), cookie: set };
    }

    async function signUp(name: string): Promise<string> {
      const person = { name, email: `${name}@example.test`, password: "correct horse" };
      return (await call("", "/v1/auth/sign-up/email", person))["cookie"] ?? "";
    }

    async function kubectlOf(name: string, cookie: string): Promise<Kubectl> {
      const { token = "", id = "" } = await call(cookie, "/v1/tokens", { name: "kubectl", role: "owner" });
      if (name === "viewer") viewerToken = id;
      const file = join(folder, `${name}.kubeconfig`);
      await writeFile(file, renderKubeconfig({ server, clusterCa, token, name: "hosted" }));
      return await createKubectl(file);
    }

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "gantry-hosted-"));
      https = createHttpsFetch({ ca: plane().ca });
      cookies = { owner: await signUp("owner"), viewer: await signUp("viewer") };
      const { id: organisation = "" } = await call(cookies.owner, "/v1/organisations", { name: "hosts" });
      const invited = { email: "viewer@example.test", role: "viewer" };
      const { secret = "" } = await call(cookies.owner, `/v1/organisations/${organisation}/invitations`, invited);
      await call(cookies.viewer, "/v1/invitations/accept", { secret });
      const made = await call(cookies.owner, "/v1/clusters", { name: "hosted", organisation });
      ({ server = "", certificateAuthority: clusterCa = "" } = made);
      second = (await call(cookies.owner, "/v1/clusters", { name: "second", organisation }))["server"] ?? "";
      owner = await kubectlOf("owner", cookies.owner);
      viewer = await kubectlOf("viewer", cookies.viewer);
    });
    afterAll(async () => {
      await owner?.close();
      await viewer?.close();
      https?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test("serves everything that kubectl asks for below its path", async () => {
      for (const words of [
        ["get", "namespaces"],
        ["api-resources"],
        ["explain", "deployment.spec.replicas"],
        ["auth", "whoami"],
        ["create", "deployment", "web", "--image=web:1", "--replicas=2"],
        ["apply", "--server-side", "-f", "-"],
      ]) {
        const stdin = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"texts"},"data":{"a":"b"}}';
        const { code, stderr } = await owner.run(words, { stdin });
        expect([words.join(" "), code, stderr]).toEqual([words.join(" "), 0, ""]);
      }
      // Its own control loops are at work.
      const waited = await owner.run([
        "wait",
        "deployment/web",
        "--for=jsonpath={.status.replicas}=2",
        "--timeout=30s",
      ]);
      expect([waited.code, waited.stderr]).toEqual([0, ""]);
    });

    test("lets a viewer look, and nothing more", async () => {
      expect((await viewer.run(["get", "deployments"])).stdout).toContain("web");
      const refused = await viewer.run(["create", "configmap", "mine"]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('cannot create resource "configmaps"');
      for (const [words, said] of [
        [["get", "secrets"], 'cannot list resource "secrets"'],
        [["delete", "deployment", "web"], 'cannot delete resource "deployments"'],
        [["delete", "configmap", "texts"], 'cannot delete resource "configmaps"'],
        [["scale", "deployment", "web", "--replicas=0"], 'cannot patch resource "deployments/scale"'],
      ] as const) {
        const { code, stderr } = await viewer.run([...words]);
        expect([words.join(" "), code]).toEqual([words.join(" "), 1]);
        expect(stderr).toContain(said);
      }
      expect((await owner.run(["get", "secrets"])).code).toBe(0);
      expect((await owner.run(["get", "deployment", "web"])).code).toBe(0);
      expect((await viewer.run(["auth", "can-i", "delete", "pods"])).stdout.trim()).toBe("no");
    });

    test("has a second beside it, with the same people and nothing else in common", async () => {
      expect((await runIn(second, viewer, "get", "deployments")).stderr).toContain("No resources found");
      const missing = await runIn(second, owner, "get", "configmap", "texts");
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('configmaps "texts" not found')]);
      expect((await runIn(second, owner, "create", "configmap", "elsewhere")).code).toBe(0);
      expect((await owner.run(["get", "configmap", "elsewhere"])).code).toBe(1);
      expect((await runIn(second, viewer, "delete", "configmap", "elsewhere")).stderr).toContain(
        "cannot delete resource",
      );
    });

    test("is another one than that at the root", async () => {
      const found = await owner.run(["get", "configmap", "texts", "--server", plane().url]);
      expect(found.code).toBe(1);
      expect(found.stderr).toMatch(/Unauthorized|must be logged in/);
    });

    // Were the watch to go on, kubectl would not end.
    test("ends the watch of a viewer whose token is revoked", async () => {
      const watching = viewer.run(["get", "configmaps", "--watch"]);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await call(cookies.viewer, `/v1/tokens/${viewerToken}`, undefined, "DELETE");
      expect((await watching).stdout).toContain("texts");
    });
  });
}
