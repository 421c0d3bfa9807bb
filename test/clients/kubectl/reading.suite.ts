/** What `kubectl get` shows: every output form, selectors, paging, sorting. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type AnyObject, type Shell } from "../shell.ts";

const OBJECTS = `
apiVersion: v1
kind: Service
metadata: {name: b, labels: {tier: web, env: prod}}
spec: {clusterIP: 10.96.200.2, selector: {app: b}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, labels: {tier: web}}
spec: {type: NodePort, clusterIP: 10.96.200.3, ports: [{port: 443, nodePort: 30043}]}
---
apiVersion: v1
kind: Service
metadata: {name: c, labels: {tier: db, env: test}}
spec: {type: ExternalName, externalName: db.example.org}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {tier: web}}
data: {x: "1", word: two}
`;

export function readingSuite(kubectl: () => Kubectl): void {
  describe("get", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "reading");
      await shell.ok("create -f -", { stdin: OBJECTS });
      await shell.ok("run lonely --image=example.org/app:1 --labels=app=lonely,tier=web --command -- sleep 60");
    });

    test("as a table, and a wide one", async () => {
      expect(lines(await shell.ok("get services"))).toEqual([
        "NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE",
        "a  NodePort  10.96.200.3  <none>  443:30043/TCP  AGE",
        "b  ClusterIP  10.96.200.2  <none>  80/TCP  AGE",
        "c  ExternalName  <none>  db.example.org  <none>  AGE",
      ]);
      expect(lines(await shell.ok("get service b -o wide"))).toEqual([
        "NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE  SELECTOR",
        "b  ClusterIP  10.96.200.2  <none>  80/TCP  AGE  app=b",
      ]);
      expect(lines(await shell.ok("get pods -o wide"))).toEqual([
        "NAME  READY  STATUS  RESTARTS  AGE  IP  NODE  NOMINATED NODE  READINESS GATES",
        "lonely  0/1  Pending  0  AGE  <none>  <none>  <none>  <none>",
      ]);
    });

    test("several types, some objects by name, a category", async () => {
      expect(lines(await shell.ok("get service/b configmap/settings -o name"))).toEqual([
        "service/b",
        "configmap/settings",
      ]);
      expect(lines(await shell.ok("get svc,po --no-headers"))).toEqual([
        "service/a  NodePort  10.96.200.3  <none>  443:30043/TCP  AGE",
        "service/b  ClusterIP  10.96.200.2  <none>  80/TCP  AGE",
        "service/c  ExternalName  <none>  db.example.org  <none>  AGE",
        "pod/lonely  0/1  Pending  0  AGE",
      ]);
      expect(lines(await shell.ok("get all -o name"))).toEqual(["pod/lonely", "service/a", "service/b", "service/c"]);
    });

    test("as JSON and YAML, one and many", async () => {
      const one = await shell.json("get configmap settings");
      expect(one).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", data: { x: "1", word: "two" } });
      expect(one.metadata.generation).toBeUndefined();
      const many = await shell.json<{ kind: string; items: AnyObject[] }>("get services");
      expect(many.kind).toBe("List");
      expect(many.items.map(({ kind, apiVersion, metadata }) => [kind, apiVersion, metadata.name])).toEqual([
        ["Service", "v1", "a"],
        ["Service", "v1", "b"],
        ["Service", "v1", "c"],
      ]);
      const yaml = lines(await shell.ok("get configmap settings -o yaml"));
      expect(yaml.slice(0, 5)).toEqual(["apiVersion: v1", "data:", "  word: two", '  x: "1"', "kind: ConfigMap"]);
    });

    const forms: [line: string, expected: string[]][] = [
      ["get service b -o jsonpath={.spec.ports[0].port}", ["80"]],
      [
        "get services -o jsonpath='{range .items[*]}{.metadata.name}={.spec.type};{end}'",
        ["a=NodePort;b=ClusterIP;c=ExternalName;"],
      ],
      ["get services -o jsonpath='{.items[?(@.spec.type==\"NodePort\")].metadata.name}'", ["a"]],
      ["get configmap settings -o go-template='{{.data.word}}'", ["two"]],
      [
        "get configmap settings -o custom-columns=NAME:.metadata.name,X:.data.x,NONE:.data.z",
        ["NAME  X  NONE", "settings  1  <none>"],
      ],
      ["get services --sort-by=.spec.clusterIP -o name", ["service/c", "service/b", "service/a"]],
      ["get services --sort-by=.metadata.name --no-headers -o custom-columns=N:.metadata.name", ["a", "b", "c"]],
      [
        "get services b --show-labels --no-headers",
        ["b  ClusterIP  10.96.200.2  <none>  80/TCP  AGE  env=prod,tier=web"],
      ],
      [
        "get services -L env --no-headers",
        [
          "a  NodePort  10.96.200.3  <none>  443:30043/TCP  AGE",
          "b  ClusterIP  10.96.200.2  <none>  80/TCP  AGE  prod",
          "c  ExternalName  <none>  db.example.org  <none>  AGE  test",
        ],
      ],
      ["get service b --show-kind --no-headers", ["service/b  ClusterIP  10.96.200.2  <none>  80/TCP  AGE"]],
      ["get services --chunk-size=1 -o name", ["service/a", "service/b", "service/c"]],
      ["get services --chunk-size=2 --no-headers -o custom-columns=N:.metadata.name", ["a", "b", "c"]],
    ];
    test.each(forms)("%s", async (line, expected) => {
      expect(lines(await shell.ok(line))).toEqual(expected);
    });

    const selectors: [selector: string, names: string[]][] = [
      ["-l tier=web", ["a", "b"]],
      ["-l tier==web", ["a", "b"]],
      ["-l tier!=web", ["c"]],
      ["-l env!=prod", ["a", "c"]],
      ["-l env", ["b", "c"]],
      ["-l '!env'", ["a"]],
      ["-l 'env in (prod, test)'", ["b", "c"]],
      ["-l 'env notin (prod)'", ["a", "c"]],
      ["-l tier=web,env=prod", ["b"]],
      ["-l 'tier in (web),!env'", ["a"]],
      ["-l tier=none", []],
      ["--field-selector metadata.name=b", ["b"]],
      ["--field-selector metadata.name!=b", ["a", "c"]],
      ["--field-selector spec.type=ExternalName", ["c"]],
      ["--field-selector spec.clusterIP=10.96.200.3", ["a"]],
      ["--field-selector metadata.name!=b -l env", ["c"]],
    ];
    test.each(selectors)("get services %s", async (selector, names) => {
      expect(lines(await shell.ok(`get services ${selector} -o name`))).toEqual(names.map((name) => `service/${name}`));
    });

    test("pods by their fields", async () => {
      for (const selector of [
        "status.phase=Pending",
        "spec.nodeName=",
        "spec.restartPolicy=Always",
        "status.phase!=Running",
      ]) {
        expect(await shell.ok(`get pods --field-selector ${selector} -o name`)).toBe("pod/lonely");
      }
      expect(await shell.ok("get pods --field-selector spec.nodeName=n1 -o name")).toBe("");
    });

    test("across namespaces", async () => {
      const all = lines(await shell.ok("get services -A --field-selector metadata.name=kubernetes"));
      expect(all).toEqual([
        "NAMESPACE  NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT(S)  AGE",
        "default  kubernetes  ClusterIP  10.96.0.1  <none>  443/TCP  AGE",
      ]);
      expect(await shell.ok(`get services -A --field-selector metadata.namespace=${shell.namespace} -o name`)).toBe(
        "service/a\nservice/b\nservice/c",
      );
    });

    test("the wording of what is not there or not possible", async () => {
      expect(await shell.fails("get service nope")).toBe('Error from server (NotFound): services "nope" not found');
      expect(await shell.fails("get service a nope")).toBe('Error from server (NotFound): services "nope" not found');
      expect(await shell.ok("get service nope --ignore-not-found")).toBe("");
      expect(await shell.fails("get nope")).toBe('error: the server doesn\'t have a resource type "nope"');
      expect((await shell.run("get services -l tier=none")).stderr).toBe(
        `No resources found in ${shell.namespace} namespace.`,
      );
      expect(await shell.fails("get services --field-selector spec.nope=1")).toBe(
        'Error from server (BadRequest): Unable to find "/v1, Resource=services" that match label selector "", field selector "spec.nope=1": field label not supported: spec.nope',
      );
      expect(await shell.fails("get services -l 'a in b'")).toBe(
        'Error from server (BadRequest): Unable to find "/v1, Resource=services" that match label selector "a in b", field selector "": unable to parse requirement: found \'b\' expected: \'(\'',
      );
      expect(await shell.fails("get --raw /nope")).toBe(
        "Error from server (NotFound): the server could not find the requested resource",
      );
    });

    test("raw paths", async () => {
      const { items } = JSON.parse(await shell.ok(`get --raw /api/v1/namespaces/${shell.namespace}/configmaps`));
      expect(items.map(({ metadata }: AnyObject) => metadata.name)).toContain("settings");
      expect(await shell.ok("get --raw /readyz")).toBe("ok");
    });
  });
}
