/** `kubectl certificate approve`, and kubectl with the certificate that it got: as the Kubernetes documentation tells people to. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textFromBase64, textToBase64 } from "../../../src/machinery/base64.ts";
import { eventually } from "../../harness/eventually.ts";
import { createKubectl, type Kubectl } from "../../harness/kubectl.ts";
import { keyedRequest } from "../../harness/signing-requests.ts";
import type { ControlPlane } from "../control-plane.ts";
import { openShell, shellIn, type Shell } from "../shell.ts";

const SOON = { withinMs: 20_000, everyMs: 100 };

export function certificatesSuite(kubectl: () => Kubectl, plane: () => ControlPlane): void {
  describe("certificate", () => {
    let shell: Shell;
    let folder: string;
    let asked: Awaited<ReturnType<typeof keyedRequest>>;
    const jane: Kubectl[] = [];

    beforeAll(async () => {
      shell = await openShell(kubectl(), "certificates");
      folder = await mkdtemp(join(tmpdir(), "gantry-certificate-"));
      asked = await keyedRequest({
        subject: [
          ["O", "developers"],
          ["CN", "jane"],
        ],
      });
    });
    afterAll(async () => {
      for (const one of jane) await one.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function request(name: string): Promise<void> {
      const spec = {
        request: asked.request,
        signerName: "kubernetes.io/kube-apiserver-client",
        usages: ["client auth"],
      };
      const object = {
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: { name },
        spec,
      };
      await shell.ok("apply -f -", { stdin: JSON.stringify(object) });
    }
    const condition = async (name: string) =>
      (await shell.ok(`get csr ${name} --no-headers`)).split(/\s+/).at(-1) ?? "";

    test("deny", async () => {
      await request("denied");
      expect(await condition("denied")).toBe("Pending");
      expect(await shell.ok("certificate deny denied")).toBe(
        "certificatesigningrequest.certificates.k8s.io/denied denied",
      );
      expect(await condition("denied")).toBe("Denied");
    });

    test("approve, and be who it says on Node; on the edge none is made, and why is told", async () => {
      await request("jane");
      expect(await shell.ok("certificate approve jane")).toBe(
        "certificatesigningrequest.certificates.k8s.io/jane approved",
      );
      if (plane().runtime === "edge") {
        await eventually(async () => expect(await condition("jane")).toBe("Approved,Failed"), SOON);
        expect(await shell.ok("describe csr jane")).toContain("Approved,Failed");
        expect(await shell.ok("get csr jane -o yaml")).toContain("this cluster takes no client certificates");
        return;
      }
      await eventually(async () => expect(await condition("jane")).toBe("Approved,Issued"), SOON);
      const encoded = await shell.ok("get csr jane -o jsonpath={.status.certificate}");
      const own = await createKubectl(await kubeconfig(textFromBase64(encoded)));
      jane.push(own);
      const her = shellIn(own, shell.namespace);
      expect(await her.ok("auth whoami -o jsonpath={.status.userInfo.username}:{.status.userInfo.groups[0]}")).toBe(
        "jane:developers",
      );
      expect(await her.fails("get configmaps")).toMatch(/User "jane" cannot list resource "configmaps"/);
      await shell.ok("create rolebinding developers --clusterrole=view --group=developers");
      expect(await her.ok("get configmaps -o name")).toContain("configmap/kube-root-ca.crt");
      expect(await her.fails("delete configmap kube-root-ca.crt")).toMatch(/User "jane" cannot delete/);
      expect(await her.fails("get secrets")).toMatch(/User "jane" cannot list resource "secrets"/);
    });

    async function kubeconfig(certificate: string): Promise<string> {
      const { url, ca } = plane();
      const path = join(folder, "kubeconfig");
      const config = {
        apiVersion: "v1",
        kind: "Config",
        "current-context": "c",
        clusters: [{ name: "c", cluster: { server: url, "certificate-authority-data": textToBase64(ca) } }],
        users: [
          {
            name: "jane",
            user: {
              "client-certificate-data": textToBase64(certificate),
              "client-key-data": textToBase64(asked.keyPem),
            },
          },
        ],
        contexts: [{ name: "c", context: { cluster: "c", user: "jane" } }],
      };
      await writeFile(path, JSON.stringify(config), { mode: 0o600 });
      return path;
    }
  });
}
