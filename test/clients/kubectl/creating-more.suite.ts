/**
 * The forms of `kubectl create` that make anything but configuration, Services and workloads, with `autoscale` and `certificate`. What
 * each makes: k8s.io/kubectl/pkg/cmd/create/create_*.go, …/cmd/autoscale, …/cmd/certificates; what it prints: the printers of
 * kubernetes/pkg/printers/internalversion/printers.go.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { signingRequest } from "../../harness/signing-requests.ts";
import { openShell, type Shell } from "../shell.ts";

/** Command, what it says, a question, and its answer. */
type Line = [command: string, said: string, then: string, shows: string];

const RIGHTS: Line[] = [
  [
    "create role reader --verb=get,list --resource=pods,deployments.apps",
    "role.rbac.authorization.k8s.io/reader created",
    "get role reader -o jsonpath={.rules}",
    '[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]},{"apiGroups":["apps"],"resources":["deployments"],"verbs":["get","list"]}]',
  ],
  [
    "create role one --verb=get --resource=pods/log --resource-name=p",
    "role.rbac.authorization.k8s.io/one created",
    "get role one -o jsonpath={.rules}",
    '[{"apiGroups":[""],"resourceNames":["p"],"resources":["pods/log"],"verbs":["get"]}]',
  ],
  [
    "create rolebinding readers --role=reader --user=jane --group=dev --serviceaccount=default:robot",
    "rolebinding.rbac.authorization.k8s.io/readers created",
    "get rolebinding readers -o wide --no-headers",
    "readers  Role/reader  AGE  jane  dev  default/robot",
  ],
  [
    "create clusterrole NS-reader --verb=get --resource=nodes",
    "clusterrole.rbac.authorization.k8s.io/NS-reader created",
    "get clusterrole NS-reader -o jsonpath={.rules}",
    '[{"apiGroups":[""],"resources":["nodes"],"verbs":["get"]}]',
  ],
  [
    "create clusterrole NS-health --verb=get --non-resource-url=/healthz",
    "clusterrole.rbac.authorization.k8s.io/NS-health created",
    "get clusterrole NS-health -o jsonpath={.rules}",
    '[{"nonResourceURLs":["/healthz"],"verbs":["get"]}]',
  ],
  [
    "create clusterrole NS-sum --aggregation-rule=sum=yes",
    "clusterrole.rbac.authorization.k8s.io/NS-sum created",
    "get clusterrole NS-sum -o jsonpath={.aggregationRule}",
    '{"clusterRoleSelectors":[{"matchLabels":{"sum":"yes"}}]}',
  ],
  [
    "create clusterrolebinding NS-readers --clusterrole=NS-reader --group=dev",
    "clusterrolebinding.rbac.authorization.k8s.io/NS-readers created",
    "get clusterrolebinding NS-readers -o wide --no-headers",
    "NS-readers  ClusterRole/NS-reader  AGE  dev",
  ],
];

const WORK: Line[] = [
  [
    "create job once --image=example.org/app:1 -- work hard",
    "job.batch/once created",
    "get job once -o jsonpath={.spec.template.spec.restartPolicy}:{.spec.template.spec.containers[0].command}",
    'Never:["work","hard"]',
  ],
  [
    'create cronjob nightly --image=example.org/app:1 --schedule="0 3 * * *"',
    "cronjob.batch/nightly created",
    "get cronjob nightly --no-headers",
    "nightly  0 3 * * *  <none>  False  0  <none>  AGE",
  ],
  [
    "create job now --from=cronjob/nightly",
    "job.batch/now created",
    "get job now -o jsonpath={.metadata.annotations}:{.metadata.ownerReferences[0].kind}",
    '{"cronjob.kubernetes.io/instantiate":"manual"}:CronJob',
  ],
  [
    "create ingress front --class=default --rule=example.org/*=web:80,tls=secret",
    "ingress.networking.k8s.io/front created",
    "get ingress front --no-headers",
    "front  default  example.org  80, 443  AGE",
  ],
  [
    "create poddisruptionbudget most --selector=app=web --min-available=50%",
    "poddisruptionbudget.policy/most created",
    "get pdb most --no-headers",
    "most  50%  N/A  0  AGE",
  ],
  [
    "create quota few --hard=pods=3,cpu=1000m --scopes=BestEffort",
    'error: failed to create quota: ResourceQuota "few" is invalid: spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource',
    "get quota few --ignore-not-found",
    "",
  ],
  [
    "create quota few --hard=pods=3",
    "resourcequota/few created",
    "get quota few -o jsonpath={.spec.hard}",
    '{"pods":"3"}',
  ],
  [
    "create priorityclass NS-high --value=1000 --preemption-policy=Never --description=much",
    "priorityclass.scheduling.k8s.io/NS-high created",
    "get priorityclass NS-high --no-headers",
    "NS-high  1000  false  AGE  Never",
  ],
  [
    "autoscale deployment web --min=2 --max=5 --cpu-percent=80",
    "horizontalpodautoscaler.autoscaling/web autoscaled",
    "get hpa web --no-headers",
    "web  Deployment/web  cpu: <unknown>/80%  2  5  0  AGE",
  ],
];

export function creatingMoreSuite(kubectl: () => Kubectl): void {
  describe("create, the other forms", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "creating-more");
      await shell.ok("create deployment web --image=example.org/web:1 --replicas=0");
    });
    /** Names of what is in no namespace must differ between suites. */
    const own = (text: string) => text.replaceAll("NS", shell.namespace);

    test.each([...RIGHTS, ...WORK])("%s", async (command, said, then, shows) => {
      const { stdout, stderr } = await shell.run(own(command));
      expect(stdout + stderr).toBe(own(said));
      expect(await shell.ok(own(then))).toBe(own(shows));
    });
  });

  describe("certificate", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "certificate");
      for (const name of ["good", "bad", "odd"]) {
        const spec = {
          request: await signingRequest("O=dev, CN=jane"),
          signerName: "example.com/s",
          usages: ["client auth"],
        };
        const request = {
          apiVersion: "certificates.k8s.io/v1",
          kind: "CertificateSigningRequest",
          metadata: { name },
          spec,
        };
        await shell.ok("create -f -", { stdin: JSON.stringify(request) });
      }
    });
    const shown = (name: string) => shell.ok(`get csr ${name} --no-headers`);

    test("a new one is pending", async () => {
      expect(await shown("good")).toMatch(/^good {2}AGE {2}example.com\/s {2}\S+ {2}<none> {2}Pending$/);
    });
    test("approve", async () => {
      expect(await shell.ok("certificate approve good")).toBe(
        "certificatesigningrequest.certificates.k8s.io/good approved",
      );
      expect(await shown("good")).toMatch(/ {2}Approved$/);
      expect(await shell.json("get csr good")).toMatchObject({
        status: {
          conditions: [
            {
              type: "Approved",
              status: "True",
              reason: "KubectlApprove",
              message: "This CSR was approved by kubectl certificate approve.",
            },
          ],
        },
      });
      // A second time nothing is left to do.
      expect(await shell.ok("certificate approve good")).toBe(
        "certificatesigningrequest.certificates.k8s.io/good approved",
      );
    });
    test("deny", async () => {
      expect(await shell.ok("certificate deny bad")).toBe("certificatesigningrequest.certificates.k8s.io/bad denied");
      expect(await shown("bad")).toMatch(/ {2}Denied$/);
      expect(await shell.fails("certificate approve bad")).toMatch(
        /certificate signing request "bad" is already Denied/,
      );
      expect(await shell.fails("certificate deny good")).toMatch(
        /certificate signing request "good" is already Approved/,
      );
    });
    test("describe", async () => {
      expect(await shell.ok("describe csr odd")).toMatch(
        /Subject:\s+Common Name:\s+jane\s+Serial Number:\s+Organization:\s+dev/,
      );
    });
  });

  describe("auth can-i", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "can-i");
    });

    test.each([
      ["create deployments.apps", "yes"],
      ["get pods --subresource=log", "yes"],
      ["'*' '*'", "yes"],
      ["get /healthz", "yes"],
    ])("the administrator: %s", async (question, answer) => {
      expect(await shell.ok(`auth can-i ${question.replaceAll("'", "")}`)).toBe(answer);
    });

    test.each([
      ["list secrets --as=nobody", "no"],
      ["delete nodes --as=nobody --as-group=dev", "no"],
      ["list secrets --as=system:serviceaccount:kube-system:nobody -A", "no"],
    ])("others: %s", async (question, answer) => {
      const { code, stdout } = await shell.run(`auth can-i ${question}`);
      expect([code, stdout.split("\n").at(-1)?.split(" ")[0]]).toEqual([1, answer]);
    });

    test("what everybody may", async () => {
      const said = await shell.ok("auth can-i --list --as=nobody --as-group=system:authenticated");
      expect(said).toMatch(/selfsubjectaccessreviews.authorization.k8s.io {2}\[\] {2}\[\] {2}\[create\]/);
      expect(said).toMatch(/\[\/healthz\] {2}\[\] {2}\[get\]/);
    });
  });
}
