/** `kubectl create`, `run` and `expose`, with and without a dry run. */
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type Shell } from "../shell.ts";

export function creatingSuite(kubectl: () => Kubectl, plane: () => { ca: string }): void {
  describe("create", () => {
    let shell: Shell;
    let folder: string;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "creating");
      folder = await mkdtemp(join(tmpdir(), "gantry-create-"));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    const made: [line: string, said: string, then: string, shows: string][] = [
      [
        "create configmap literal --from-literal=a=1 --from-literal=b=2",
        "configmap/literal created",
        "get cm literal -o jsonpath={.data}",
        '{"a":"1","b":"2"}',
      ],
      [
        "create secret generic opaque --from-literal=password=hunter2",
        "secret/opaque created",
        "get secret opaque -o jsonpath={.type}:{.data.password}",
        "Opaque:aHVudGVyMg==",
      ],
      [
        "create secret docker-registry pull --docker-server=registry.example.org --docker-username=u --docker-password=p",
        "secret/pull created",
        "get secret pull -o jsonpath={.type}",
        "kubernetes.io/dockerconfigjson",
      ],
      ["create serviceaccount robot", "serviceaccount/robot created", "get sa robot -o name", "serviceaccount/robot"],
      [
        "create deployment web --image=example.org/web:1 --replicas=3 --port=8080",
        "deployment.apps/web created",
        "get deploy web -o jsonpath={.spec.replicas}:{.spec.template.spec.containers[0].name}:{.spec.template.spec.containers[0].ports[0].containerPort}",
        "3:web:8080",
      ],
      [
        "create service clusterip plain --tcp=80:8080",
        "service/plain created",
        "get svc plain -o jsonpath={.spec.type}:{.spec.ports[0].name}:{.spec.selector.app}",
        "ClusterIP:80-8080:plain",
      ],
      [
        "create service clusterip headless --clusterip=None --tcp=80",
        "service/headless created",
        "get svc headless -o jsonpath={.spec.clusterIP}",
        "None",
      ],
      [
        "create service nodeport open --tcp=80:8080 --node-port=30067",
        "service/open created",
        "get svc open -o jsonpath={.spec.type}:{.spec.ports[0].nodePort}",
        "NodePort:30067",
      ],
      [
        "create service loadbalancer balanced --tcp=80:8080",
        "service/balanced created",
        "get svc balanced -o jsonpath={.spec.type}:{.spec.allocateLoadBalancerNodePorts}",
        "LoadBalancer:true",
      ],
      [
        "create service externalname away --external-name=db.example.org",
        "service/away created",
        "get svc away -o jsonpath={.spec.type}:{.spec.externalName}",
        "ExternalName:db.example.org",
      ],
      [
        "run bare --image=example.org/app:1 --restart=Never --labels=a=b --env=K=V --port=80 -- serve now",
        "pod/bare created",
        "get pod bare -o jsonpath={.spec.restartPolicy}:{.spec.containers[0].args}:{.spec.containers[0].env[0].name}:{.metadata.labels.a}",
        'Never:["serve","now"]:K:b',
      ],
      [
        "expose deployment web --port=80 --target-port=8080 --name=front",
        "service/front exposed",
        "get svc front -o jsonpath={.spec.selector.app}:{.spec.ports[0].targetPort}",
        "web:8080",
      ],
      [
        "expose pod bare --port=81",
        "service/bare exposed",
        "get svc bare -o jsonpath={.spec.selector.a}:{.spec.ports[0].port}",
        "b:81",
      ],
    ];
    test.each(made)("%s", async (line, said, then, shows) => {
      expect(await shell.ok(line)).toBe(said);
      expect(await shell.ok(then)).toBe(shows);
    });

    test("a namespace, which is active at once and gets what every namespace has", async () => {
      const name = `${shell.namespace}-more`;
      expect(await shell.ok(`create namespace ${name}`)).toBe(`namespace/${name} created`);
      expect(await shell.ok(`get ns ${name} -o jsonpath={.status.phase}`)).toBe("Active");
      await shell.ok(`-n ${name} wait --for=create serviceaccount/default --timeout=20s`);
      await shell.ok(`-n ${name} wait --for=create configmap/kube-root-ca.crt --timeout=20s`);
    });

    test("a TLS secret from files", async () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
      await writeFile(join(folder, "tls.key"), key.export({ type: "pkcs8", format: "pem" }));
      await writeFile(join(folder, "tls.crt"), plane().ca);
      // kubectl itself refuses a pair that does not match.
      expect(await shell.fails(`create secret tls pair --cert=${folder}/tls.crt --key=${folder}/tls.key`)).toMatch(
        /private key does not match public key/,
      );
      await shell.ok(
        `create secret generic pair --type=kubernetes.io/tls --from-file=${folder}/tls.crt --from-file=${folder}/tls.key`,
      );
      expect(await shell.ok("get secret pair")).toMatch(/pair {2}kubernetes.io\/tls {2}2 {2}AGE/);
      expect(await shell.fails("create secret generic half --type=kubernetes.io/tls --from-literal=tls.crt=x")).toBe(
        'error: failed to create secret Secret "half" is invalid: data[tls.key]: Required value',
      );
    });

    test("from files and folders, binary content too", async () => {
      await writeFile(join(folder, "text.conf"), "one=1\n");
      await writeFile(join(folder, "binary"), new Uint8Array([0xff, 0xfe, 0]));
      await shell.ok(`create configmap files --from-file=${folder}/text.conf --from-file=bin=${folder}/binary`);
      expect(await shell.json("get cm files")).toMatchObject({
        data: { "text.conf": "one=1\n" },
        binaryData: { bin: "//4A" },
      });
    });

    test("a token that the API takes", async () => {
      const token = await shell.ok("create token default --duration=10m");
      expect(token.split(".")).toHaveLength(3);
      const who = await shell.ok(`--token=${token} auth whoami -o jsonpath={.status.userInfo.username}`);
      expect(who).toBe(`system:serviceaccount:${shell.namespace}:default`);
      expect(await shell.fails("create token nobody")).toBe(
        'error: failed to create token: serviceaccounts "nobody" not found',
      );
    });

    test("a dry run at the client sends nothing", async () => {
      expect(lines(await shell.ok("create configmap dry --from-literal=x=1 --dry-run=client -o yaml"))).toEqual([
        "apiVersion: v1",
        "data:",
        '  x: "1"',
        "kind: ConfigMap",
        "metadata:",
        "  creationTimestamp: null",
        "  name: dry",
        `  namespace: ${shell.namespace}`,
      ]);
    });

    test("a dry run at the server answers what would be stored, and stores nothing", async () => {
      const dry = await shell.json("create deployment dry --image=example.org/x --dry-run=server");
      expect(dry.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(dry.metadata.generation).toBe(1);
      expect(dry.spec).toMatchObject({ progressDeadlineSeconds: 600, revisionHistoryLimit: 10 });
      expect(await shell.ok("create configmap dry --dry-run=server")).toBe("configmap/dry created (server dry run)");
      expect(await shell.ok("get deploy,cm dry --ignore-not-found -o name")).toBe("");
    });

    test("what exists, what is invalid, what no namespace holds", async () => {
      await shell.ok("create configmap twice");
      expect(await shell.fails("create configmap twice")).toBe(
        'error: failed to create configmap: configmaps "twice" already exists',
      );
      expect(await shell.fails("create serviceaccount Not_Valid")).toMatch(
        /^error: failed to create serviceaccount: ServiceAccount "Not_Valid" is invalid: metadata.name: Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain must consist of/,
      );
      expect(await shell.fails("-n nowhere create configmap lost")).toBe(
        'error: failed to create configmap: namespaces "nowhere" not found',
      );
    });

    test("from a file: unknown fields are named, unless nobody asked", async () => {
      const stdin = `
apiVersion: v1
kind: Service
metadata: {name: strict}
spec: {ports: [{port: 80, prot: TCP}], selektor: {a: b}}
`;
      // https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation: kubectl asks for Strict by default.
      expect(await shell.fails("create -f -", { stdin })).toBe(
        'Error from server (BadRequest): error when creating "STDIN": Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.ports[0].prot", unknown field "spec.selektor"',
      );
      const warned = await shell.run("create -f - --validate=warn", { stdin });
      expect(lines(warned.stderr)).toEqual([
        'Warning: unknown field "spec.ports[0].prot"',
        'Warning: unknown field "spec.selektor"',
      ]);
      expect(warned.stdout).toBe("service/strict created");
      const ignored = await shell.run("create -f - --validate=ignore", { stdin: stdin.replace("strict", "lax") });
      expect(ignored).toEqual({ code: 0, stdout: "service/lax created", stderr: "" });
    });

    test("from a file: every error of an invalid object is told", async () => {
      const stdin = `
apiVersion: v1
kind: Service
metadata: {name: wrong}
spec: {ports: [{port: 70000}, {port: 81}]}
`;
      expect(lines(await shell.fails("create -f -", { stdin }))).toEqual([
        'The Service "wrong" is invalid:',
        "* spec.ports[0].name: Required value",
        "* spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
        "* spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        "* spec.ports[1].name: Required value",
      ]);
      expect(
        await shell.fails("create -f - --validate=false", {
          stdin: '{"apiVersion":"v1","kind":"Nope","metadata":{"name":"x"}}',
        }),
      ).toMatch(/no matches for kind "Nope" in version "v1"/);
    });

    test("generateName", async () => {
      const stdin = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"made-"}}';
      expect(await shell.ok("create -f -", { stdin })).toMatch(/^configmap\/made-[a-z0-9]{5} created$/);
    });
  });
}
