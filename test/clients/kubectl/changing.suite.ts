/** What changes an object: patch, label, annotate, replace, edit, set, scale. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type Shell } from "../shell.ts";

/** No replicas: nothing but the test itself changes it much. */
const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, labels: {team: a}}
spec:
  replicas: 0
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - {name: main, image: "example.org/app:1", ports: [{containerPort: 80}]}
      - {name: side, image: "example.org/side:1"}
`;

const jsonPatch = (operations: unknown) => `patch configmap settings --type=json -p '${JSON.stringify(operations)}'`;

const bare = (name: string) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { bare: "1" } });

const edit = (script: string) => ({ env: { KUBE_EDITOR: `sed -i ${script}` } });

export function changingSuite(kubectl: () => Kubectl): void {
  describe("change", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "changing");
      await shell.ok("create -f -", { stdin: DEPLOYMENT });
      await shell.ok("create configmap settings --from-literal=a=1 --from-literal=b=2");
    });
    const value = (path: string, of = "deployment app") => shell.ok(`get ${of} -o jsonpath={${path}}`);

    describe("patch", () => {
      test("strategic: lists are merged by their keys", async () => {
        const patch = { spec: { template: { spec: { containers: [{ name: "side", image: "example.org/side:2" }] } } } };
        expect(await shell.ok(`patch deployment app -p '${JSON.stringify(patch)}'`)).toBe(
          "deployment.apps/app patched",
        );
        expect(await value(".spec.template.spec.containers[*].image")).toBe("example.org/app:1 example.org/side:2");
        const remove = { spec: { template: { spec: { containers: [{ name: "side", $patch: "delete" }] } } } };
        await shell.ok(`patch deployment app -p '${JSON.stringify(remove)}'`);
        expect(await value(".spec.template.spec.containers[*].name")).toBe("main");
      });

      test("merge: null removes", async () => {
        await shell.ok(`patch configmap settings --type=merge -p '{"data":{"a":null,"c":"3"}}'`);
        expect(await value(".data", "configmap settings")).toBe('{"b":"2","c":"3"}');
      });

      test("JSON: operations in order, a test that fails, a path that is not there", async () => {
        await shell.ok(
          jsonPatch([
            { op: "test", path: "/data/b", value: "2" },
            { op: "move", from: "/data/b", path: "/data/d" },
          ]),
        );
        expect(await value(".data", "configmap settings")).toBe('{"c":"3","d":"2"}');
        const refused = "The request is invalid: the server rejected our request due to an error in our request";
        expect(await shell.fails(jsonPatch([{ op: "test", path: "/data/d", value: "7" }]))).toBe(refused);
        expect(await shell.fails(jsonPatch([{ op: "remove", path: "/data/none" }]))).toBe(refused);
        expect(await value(".data", "configmap settings")).toBe('{"c":"3","d":"2"}');
      });

      test("one that changes nothing writes nothing", async () => {
        const before = await value(".metadata.resourceVersion", "configmap settings");
        expect(await shell.ok(`patch configmap settings --type=merge -p '{"data":{"c":"3"}}'`)).toBe(
          "configmap/settings patched (no change)",
        );
        expect(await value(".metadata.resourceVersion", "configmap settings")).toBe(before);
      });

      test("of a subresource leaves the rest alone", async () => {
        await shell.ok("create -f -", { stdin: '{"apiVersion":"v1","kind":"Node","metadata":{"name":"patched"}}' });
        const status = { status: { capacity: { cpu: "4" } }, spec: { unschedulable: true } };
        expect(
          await shell.ok(`patch node patched --subresource=status --type=merge -p '${JSON.stringify(status)}'`),
        ).toBe("node/patched patched");
        expect(await value(".status.capacity.cpu}:{.spec.unschedulable", "node patched")).toBe("4:");
        const spec = { status: { capacity: { cpu: "8" } }, metadata: { labels: { a: "b" } } };
        await shell.ok(`patch node patched --type=merge -p '${JSON.stringify(spec)}'`);
        expect(await value(".status.capacity.cpu}:{.metadata.labels.a", "node patched")).toBe("4:b");
        await shell.ok("delete node patched");
      });

      test("of scale, and reading the subresource", async () => {
        expect(
          await shell.ok(`patch deployment app --subresource=scale --type=merge -p '{"spec":{"replicas":1}}'`),
        ).toBe("scale.autoscaling/app patched");
        expect(await value(".spec.replicas")).toBe("1");
        const scale = await shell.json("get deployment app --subresource=scale");
        expect(scale).toMatchObject({
          kind: "Scale",
          apiVersion: "autoscaling/v1",
          spec: { replicas: 1 },
          status: { selector: "app=app" },
        });
        await shell.ok("scale deployment app --replicas=0");
      });

      test("dry runs, and what is invalid, leave no trace", async () => {
        const before = await value(".metadata.resourceVersion", "configmap settings");
        const dry = await shell.json(`patch configmap settings --type=merge -p '{"data":{"z":"9"}}' --dry-run=server`);
        expect(dry.data?.["z"]).toBe("9");
        expect(await shell.fails(`patch configmap settings --type=merge -p '{"data":{"a b":"1"}}'`)).toMatch(
          /^The ConfigMap "settings" is invalid: data\[a b\]: Invalid value: "a b": a valid config key must consist of/,
        );
        expect(await shell.fails(`patch configmap settings --type=merge -p '{"kind":"Secret"}'`)).toMatch(
          /BadRequest|invalid/,
        );
        expect(await shell.fails(`patch configmap nope --type=merge -p '{"data":{}}'`)).toBe(
          'Error from server (NotFound): configmaps "nope" not found',
        );
        expect(await value(".metadata.resourceVersion", "configmap settings")).toBe(before);
      });
    });

    describe.each(["label", "annotate"])("%s", (verb) => {
      const field = verb === "label" ? "labels" : "annotations";
      const done = verb === "label" ? "labeled" : "annotated";

      test("adds, refuses to overwrite, overwrites, removes", async () => {
        expect(await shell.ok(`${verb} configmap settings example.org/x=1 y=2`)).toBe(`configmap/settings ${done}`);
        expect(await shell.fails(`${verb} configmap settings y=3`)).toContain("already has a value (2)");
        await shell.ok(`${verb} configmap settings y=3 --overwrite`);
        expect(await value(`.metadata.${field}`, "configmap settings")).toBe('{"example.org/x":"1","y":"3"}');
        await shell.ok(`${verb} configmap settings y- example.org/x-`);
        expect(await value(`.metadata.${field}`, "configmap settings")).toBe("");
      });

      test("only at the revision that was read", async () => {
        const revision = await value(".metadata.resourceVersion", "configmap settings");
        await shell.ok(`${verb} configmap settings at=${verb} --overwrite --resource-version=${revision}`);
        expect(await shell.fails(`${verb} configmap settings at=late --overwrite --resource-version=${revision}`)).toBe(
          'Error from server (Conflict): Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again',
        );
        await shell.ok(`${verb} configmap settings at-`);
      });
    });

    test("labels of many, by selector, shown, and wrong ones", async () => {
      await shell.ok("create configmap one");
      await shell.ok("create configmap two");
      await shell.ok("label configmap one two group=g");
      expect(lines(await shell.ok("label configmap -l group=g seen=yes"))).toEqual([
        "configmap/one labeled",
        "configmap/two labeled",
      ]);
      expect(lines(await shell.ok("label configmap one --list")).toSorted()).toEqual(["group=g", "seen=yes"]);
      expect(await shell.fails("label configmap one 'a b=c'")).toMatch(
        /^error: at least one label update is required|a b/,
      );
      // metav1 validation: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
      expect(await shell.fails("label configmap one b@d=1")).toMatch(
        /^The ConfigMap "one" is invalid: metadata.labels: Invalid value: "b@d": name part must consist of/,
      );
    });

    test("replace: what was read, what is stale, what is not there, by force", async () => {
      const stale = await shell.ok("get configmap settings -o json");
      const now = JSON.parse(stale) as { data: Record<string, string>; metadata: { uid: string } };
      now.data["replaced"] = "yes";
      expect(await shell.ok("replace -f -", { stdin: JSON.stringify(now) })).toBe("configmap/settings replaced");
      expect(await shell.fails("replace -f -", { stdin: JSON.stringify({ ...now, data: {} }) })).toBe(
        'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again',
      );
      expect(await shell.ok("replace -f -", { stdin: bare("settings") })).toBe("configmap/settings replaced");
      expect(await value(".data}:{.metadata.uid", "configmap settings")).toBe(`{"bare":"1"}:${now.metadata.uid}`);
      expect(await shell.fails("replace -f -", { stdin: bare("nope") })).toBe(
        'Error from server (NotFound): error when replacing "STDIN": configmaps "nope" not found',
      );
      await shell.ok("replace --force -f -", { stdin: bare("settings") });
      expect(await value(".metadata.uid", "configmap settings")).not.toBe(now.metadata.uid);
    });

    test("edit: changes, no changes, and invalid changes that are handed back", async () => {
      expect(await shell.ok("edit deployment app", edit("s/app:1/app:2/"))).toBe("deployment.apps/app edited");
      expect(await value(".spec.template.spec.containers[0].image")).toBe("example.org/app:2");
      expect((await shell.run("edit deployment app", edit("s/nothing/x/"))).stderr).toBe(
        "Edit cancelled, no changes made.",
      );
      const invalid = await shell.run("edit deployment app", edit("s/replicas:.*/replicas:\\ -1/"));
      expect(invalid.code).toBe(1);
      expect(invalid.stderr).toMatch(/deployments.apps "app" is invalid/);
      expect(await value(".spec.replicas")).toBe("0");
      const status = edit("s/observedGeneration:.*/observedGeneration:\\ 1/");
      expect(await shell.ok("edit deployment app --subresource=status", status)).toMatch(
        /deployment.apps\/app edited|no changes made/,
      );
    });

    test("set image, env, resources, serviceaccount, selector", async () => {
      expect(await shell.ok("set image deployment/app main=example.org/app:3")).toBe(
        "deployment.apps/app image updated",
      );
      expect(await shell.ok("set env deployment/app COLOUR=blue")).toBe("deployment.apps/app env updated");
      expect(await shell.ok("set resources deployment/app --limits=cpu=1000m,memory=64Mi")).toBe(
        "deployment.apps/app resource requirements updated",
      );
      expect(await shell.ok("set serviceaccount deployment/app default")).toBe(
        "deployment.apps/app serviceaccount updated",
      );
      const { containers, serviceAccountName } = (await shell.json("get deployment app")).spec.template.spec;
      expect(serviceAccountName).toBe("default");
      expect(containers[0]).toMatchObject({
        image: "example.org/app:3",
        env: [{ name: "COLOUR", value: "blue" }],
        resources: { limits: { cpu: "1", memory: "64Mi" } },
      });
      expect(lines(await shell.ok("set env deployment/app --list"))).toEqual([
        "# Deployment app, container main",
        "COLOUR=blue",
      ]);
      await shell.ok("set env deployment/app COLOUR-");
      await shell.ok("create service clusterip pick --tcp=80");
      expect(await shell.ok("set selector service pick app=other")).toBe("service/pick selector updated");
      expect(await value(".spec.selector", "service pick")).toBe('{"app":"other"}');
    });

    test("scale, only from the size that was expected", async () => {
      expect(await shell.ok("scale deployment app --replicas=2")).toBe("deployment.apps/app scaled");
      expect(await shell.fails("scale deployment app --replicas=3 --current-replicas=7")).toBe(
        "error: Expected replicas to be 7, was 2",
      );
      expect(await shell.ok("scale deployment app --replicas=0 --current-replicas=2")).toBe(
        "deployment.apps/app scaled",
      );
      expect(await shell.fails("scale deployment nope --replicas=1")).toBe(
        'error: no objects passed to scale deployments.apps "nope" not found',
      );
      expect(await shell.fails("scale configmap settings --replicas=1")).toMatch(
        /^Error from server \(NotFound\): the server could not find the requested resource|no kind/,
      );
    });
  });
}
