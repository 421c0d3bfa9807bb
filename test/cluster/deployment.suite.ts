/**
 * The story of a Deployment, from `kubectl apply` to a served request, on two nodes with real containers. Run against the Node process and
 * against workerd; each test goes on where the one before ended.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { command } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import type { Kubectl } from "../harness/kubectl.ts";
import type { TwoNodes } from "./two-nodes.ts";

interface PodList {
  items: {
    metadata: { name: string; uid: string; deletionTimestamp?: string };
    spec: { nodeName?: string };
    status: {
      phase: string;
      podIP?: string;
      conditions?: { type: string; status: string }[];
      containerStatuses?: { restartCount: number; ready: boolean; containerID?: string }[];
    };
  }[];
}

const IMAGE = "gantry.test/web:1";

/** Each replica says its name and version; httpd answers from a file. */
const manifest = (version: string) => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: web
        image: ${IMAGE}
        imagePullPolicy: IfNotPresent
        env:
        - {name: VERSION, value: "${version}"}
        - name: GREETING
          valueFrom: {configMapKeyRef: {name: web, key: greeting}}
        command: ["sh", "-c"]
        args:
        - mkdir -p /www && echo "$GREETING $VERSION $(hostname)" > /www/index.html && echo "serving $VERSION" && exec httpd -f -p 8080 -h /www
        ports: [{name: http, containerPort: 8080}]
        readinessProbe:
          httpGet: {path: /, port: http}
          periodSeconds: 1
        lifecycle:
          preStop: {exec: {command: ["sleep", "1"]}}
        volumeMounts:
        - {name: config, mountPath: /etc/web}
        - {name: secret, mountPath: /etc/secret}
        - {name: scratch, mountPath: /scratch}
      volumes:
      - {name: config, configMap: {name: web}}
      - {name: secret, secret: {secretName: web}}
      - {name: scratch, emptyDir: {}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {greeting: hello}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: opensesame}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
`;

/** One request from a node to an address; the body. */
async function request(netns: string, address: string): Promise<string> {
  const curl = ["curl", "-sS", "--max-time", "3", `http://${address}/`];
  return (await command(["ip", "netns", "exec", netns, ...curl])).stdout.trim();
}

export function deploymentSuite(start: () => Promise<TwoNodes>): void {
  describe("a real Deployment", () => {
    let cluster: TwoNodes;
    let kubectl: Kubectl;
    const pods = async (selector = "app=web") => (await kubectl.json<PodList>(["get", "pods", "-l", selector])).items;
    const live = async () => (await pods()).filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const serviceIp = async () =>
      (await kubectl.ok(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"])).trim();
    beforeAll(async () => {
      cluster = await start();
      kubectl = cluster.kubectl;
      return () => cluster.stop();
    }, 240_000);

    test("two nodes join by dialling out and become Ready", async () => {
      await kubectl.ok(["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"]);
      const nodes = await kubectl.ok(["get", "nodes", "--no-headers"]);
      expect(nodes.trim().split("\n")).toHaveLength(2);
      expect(nodes).toMatch(/node-1\s+Ready/);
      expect(nodes).toMatch(/node-2\s+Ready/);
    });

    test("kubectl apply stores a Deployment, a Service, a ConfigMap and a Secret", async () => {
      const output = await kubectl.ok(["apply", "-f", "-"], { stdin: manifest("one") });
      expect(output).toContain("deployment.apps/web created");
      expect(output).toContain("service/web created");
      expect(await kubectl.ok(["apply", "-f", "-"], { stdin: manifest("one") })).toContain(
        "deployment.apps/web unchanged",
      );
    });

    test("its three pods run in real containers on both nodes, each with an address", async () => {
      const rollout = await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=90s"]);
      expect(rollout).toContain("successfully rolled out");
      const running = await pods();
      expect(running).toHaveLength(3);
      expect(running.every((pod) => pod.status.phase === "Running")).toBe(true);
      expect(new Set(running.map((pod) => pod.status.podIP)).size).toBe(3);
      expect(new Set(running.map((pod) => pod.spec.nodeName)).size).toBe(2);
      for (const pod of running)
        expect(pod.status.containerStatuses?.[0]?.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
    });

    test("the EndpointSlice lists them and the ClusterIP answers from both nodes", async () => {
      const slices = await kubectl.ok([
        "get",
        "endpointslices",
        "-l",
        "kubernetes.io/service-name=web",
        "-o",
        "jsonpath={.items[*].endpoints[*].addresses[0]}",
      ]);
      const addresses = (await pods()).map((pod) => pod.status.podIP);
      expect(new Set(slices.trim().split(" "))).toEqual(new Set(addresses));
      expect(slices.trim().split(" ")).toHaveLength(3);
      const ip = await serviceIp();
      for (const { netns } of cluster.nodes) {
        await eventually(async () => expect(await request(netns, ip)).toMatch(/^hello one web-/));
      }
    });

    test("the Service answers another pod, by address and by name", async () => {
      // It does not heed SIGTERM: its deletion takes all of its grace.
      const overrides = JSON.stringify({ spec: { terminationGracePeriodSeconds: 2 } });
      const options = [`--image=${IMAGE}`, "--restart=Never", "--overrides", overrides];
      await kubectl.ok(["run", "client", ...options, "--command", "--", "sleep", "3600"]);
      await kubectl.ok(["wait", "pod/client", "--for=condition=Ready", "--timeout=60s"]);
      const ip = await serviceIp();
      const get = (host: string) =>
        kubectl.ok(["exec", "client", "--", "curl", "-sS", "--max-time", "3", `http://${host}/`]);
      await eventually(async () => expect(await get(ip)).toMatch(/hello one web-/));
      await eventually(async () => expect(await get("web.default.svc.cluster.local")).toMatch(/hello one web-/));
      await eventually(async () => expect(await get("web")).toMatch(/hello one web-/));
    });

    test("a pod reaches https://kubernetes.default.svc with the cluster's CA and its own token", async () => {
      const script = [
        "cd /var/run/secrets/kubernetes.io/serviceaccount",
        `curl -sS --max-time 10 --cacert ca.crt -H "Authorization: Bearer $(cat token)" https://kubernetes.default.svc/apis/authentication.k8s.io/v1/selfsubjectreviews -H 'content-type: application/json' -d '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'`,
      ].join(" && ");
      const answer = await eventually(() => kubectl.ok(["exec", "client", "--", "sh", "-c", script]));
      expect(JSON.parse(answer)).toMatchObject({
        status: { userInfo: { username: "system:serviceaccount:default:default" } },
      });
    });

    test("ConfigMaps, Secrets and emptyDirs are in its file system", async () => {
      const [pod] = await pods();
      const read = await kubectl.ok([
        "exec",
        pod?.metadata.name ?? "",
        "--",
        "sh",
        "-c",
        "cat /etc/web/greeting; echo; cat /etc/secret/password; echo; touch /scratch/x && ls /scratch",
      ]);
      expect(read.trim().split("\n")).toEqual(["hello", "opensesame", "x"]);
    });

    test("get and describe show what a stock cluster shows", async () => {
      const table = await kubectl.ok(["get", "deployment,replicaset,pod,service,endpointslice", "-o", "wide"]);
      expect(table).toMatch(/deployment\.apps\/web\s+3\/3\s+3\s+3/);
      expect(table).toMatch(/pod\/web-\S+\s+1\/1\s+Running\s+0/);
      const described = await kubectl.ok(["describe", "pod", "-l", "app=web"]);
      expect(described).toMatch(/Successfully assigned default\/web-\S+ to node-\d/);
      expect(described).toMatch(/Started container/i);
      expect(await kubectl.ok(["describe", "node", "node-1"])).toContain("Ready");
      expect(await kubectl.ok(["describe", "deployment", "web"])).toContain("3 available");
    });

    test("logs and logs -f show what the container wrote", async () => {
      const [pod] = await pods();
      const name = pod?.metadata.name ?? "";
      expect(await kubectl.ok(["logs", name])).toBe("serving one\n");
      const follow = kubectl.start(["logs", "-f", "client"]);
      let seen = "";
      follow.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
      await kubectl.ok([
        "exec",
        "client",
        "--",
        "sh",
        "-c",
        "for i in 1 2 3; do echo line $i > /proc/1/fd/1; sleep 0.2; done",
      ]);
      await eventually(() => expect(seen).toBe("line 1\nline 2\nline 3\n"));
      follow.kill("SIGTERM");
    });

    test("exec -i carries stdin to its end and brings the exit code back", async () => {
      const stdin = "x".repeat(300_000);
      const counted = await kubectl.run(["exec", "-i", "client", "--", "wc", "-c"], { stdin });
      expect(counted).toMatchObject({ code: 0, stdout: "300000\n" });
      const failed = await kubectl.run(["exec", "client", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
      expect(failed.code).toBe(7);
      expect(failed.stdout).toBe("out\n");
      expect(failed.stderr).toContain("err\n");
    });

    test("scale changes the number of pods both ways", async () => {
      await kubectl.ok(["scale", "deployment/web", "--replicas=5"]);
      await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=90s"]);
      expect(await live()).toHaveLength(5);
      await kubectl.ok(["scale", "deployment/web", "--replicas=3"]);
      await eventually(async () => expect(await pods()).toHaveLength(3));
    });

    test("a rolling update replaces every pod without a failed request", async () => {
      const ip = await serviceIp();
      const [{ netns } = { netns: "" }] = cluster.nodes;
      const failures: string[] = [];
      const seen = new Set<string>();
      const load = new AbortController();
      const requests = (async () => {
        while (!load.signal.aborted) {
          await request(netns, ip).then(
            (body) => seen.add(body.split(" ")[1] ?? ""),
            (error: unknown) => failures.push(String(error)),
          );
        }
      })();
      await kubectl.ok(["set", "env", "deployment/web", "VERSION=two"]);
      await kubectl.ok(["set", "image", "deployment/web", "web=gantry.test/web:2"]);
      await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=120s"]);
      await eventually(async () => expect(await request(netns, ip)).toMatch(/^hello two /));
      load.abort();
      await requests;
      expect(failures).toEqual([]);
      expect(seen).toContain("two");
      await eventually(async () => expect(await pods()).toHaveLength(3));
      await kubectl.ok(["rollout", "history", "deployment/web"]);
    });

    test("a killed container is started again, and its back-off is counted", async () => {
      const [pod] = await live();
      const name = pod?.metadata.name ?? "";
      const id = pod?.status.containerStatuses?.[0]?.containerID?.replace("containerd://", "") ?? "";
      await cluster.killContainer(pod?.spec.nodeName ?? "", id);
      await eventually(async () => {
        const now = (await pods()).find(({ metadata }) => metadata.name === name);
        expect(now?.status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
      });
    });

    test("a deleted pod is replaced", async () => {
      const [pod] = await live();
      await kubectl.ok(["delete", "pod", pod?.metadata.name ?? "", "--wait=false"]);
      await eventually(async () => {
        const now = await live();
        expect(now.map(({ metadata }) => metadata.uid)).not.toContain(pod?.metadata.uid);
        expect(now).toHaveLength(3);
        expect(now.every(({ status }) => status.containerStatuses?.[0]?.ready)).toBe(true);
      });
    });

    test("when an agent stops, its node turns NotReady and its pods are replaced elsewhere", async () => {
      const [lost, kept] = ["node-1", "node-2"];
      await cluster.stopAgent("node-1");
      await eventually(
        async () => expect(await kubectl.ok(["get", "node", lost, "--no-headers"])).toMatch(/NotReady/),
        {
          withinMs: 90_000,
        },
      );
      await eventually(
        async () => {
          const ready = (await live()).filter(({ status }) => status.containerStatuses?.[0]?.ready);
          const there = ready.filter(({ spec }) => spec.nodeName === kept);
          expect(there).toHaveLength(3);
        },
        { withinMs: 90_000 },
      );
      await cluster.startAgent("node-1");
      await kubectl.ok(["wait", "node", lost, "--for=condition=Ready", "--timeout=60s"]);
    });

    test("deleting the Deployment deletes its ReplicaSets and pods, and their containers", async () => {
      await kubectl.ok(["delete", "deployment/web", "service/web", "pod/client", "--timeout=60s"]);
      await eventually(async () => {
        expect(await kubectl.ok(["get", "pods,replicasets,deployments", "-o", "name"])).toBe("");
        expect(await cluster.containers()).toEqual([]);
      });
    });

    test("a namespace goes with everything in it", async () => {
      await kubectl.ok(["create", "namespace", "short"]);
      await eventually(() =>
        kubectl.ok(["-n", "short", "get", "configmap/kube-root-ca.crt", "serviceaccount/default"]),
      );
      await kubectl.ok(["-n", "short", "create", "configmap", "c", "--from-literal=a=b"]);
      await kubectl.ok(["delete", "namespace", "short", "--timeout=60s"]);
      const { code, stderr } = await kubectl.run(["get", "namespace", "short"]);
      expect(code).toBe(1);
      expect(stderr).toContain('namespaces "short" not found');
    });
  });
}
