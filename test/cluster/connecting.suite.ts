/** Ways into a pod from outside, with the real kubectl and real containers: port-forward and proxies. On Node and in workerd. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { WebSocket } from "ws";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import type { Kubectl } from "../harness/kubectl.ts";
import type { TwoNodes } from "./two-nodes.ts";

const IMAGE = "gantry.test/web:1";
const BIG_BYTES = 20_000_000;

/** Its first server is reachable only at the pod's own localhost. */
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: ${IMAGE}
        imagePullPolicy: IfNotPresent
        command: ["sh", "-c"]
        args:
        - |
          mkdir -p /www/cgi-bin && echo "hello from $(hostname)" > /www/index.html
          i=0; while [ $i -lt 20 ]; do printf '%01000000d' 0; i=$((i+1)); done > /www/big
          echo '<a href="/big">big</a> <a href="other">other</a>' > /www/links.html
          cat > /www/cgi-bin/echo <<'END'
          #!/bin/sh
          echo 'Content-Type: text/plain'
          echo
          echo "$REQUEST_METHOD $QUERY_STRING auth=$HTTP_AUTHORIZATION"
          wc -c
          END
          busybox chmod +x /www/cgi-bin/echo
          httpd -p 127.0.0.1:9090 -h /www
          exec httpd -f -p 8080 -h /www
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
`;

interface KubeConfig {
  clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
  users: [{ user: { token: string } }];
}

interface Forwarded {
  port: number;
  child: ChildProcessWithoutNullStreams;
  output: () => string;
  end(): Promise<void>;
}

/** `kubectl port-forward` to one port, once it listens. */
async function forward(kubectl: Kubectl, target: string, port: number): Promise<Forwarded> {
  const child = kubectl.start(["port-forward", target, `:${port}`]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const local = await eventually(
    () => {
      const match = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(output);
      if (!match) throw new Error(`no port is forwarded to ${target}: ${output}`);
      return Number(match[1]);
    },
    { withinMs: 20_000 },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    port: local,
    child,
    output: () => output,
    end() {
      child.kill("SIGINT");
      return ended;
    },
  };
}

/** As both channels of a port begin. */
const number = (port: number) => String.fromCharCode(port & 0xff, port >>> 8);
const get = async (port: number, path = "/") => await fetch(`http://127.0.0.1:${port}${path}`);

export function connectingSuite(start: () => Promise<TwoNodes>): void {
  describe("ways into a pod", () => {
    let cluster: TwoNodes;
    let kubectl: Kubectl;
    let pod = "";

    beforeAll(async () => {
      cluster = await start();
      kubectl = cluster.kubectl;
      await kubectl.ok(["apply", "-f", "-"], { stdin: MANIFEST });
      await kubectl.ok(["rollout", "status", "deployment/web", "--timeout=90s"]);
      pod = (await kubectl.ok(["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"])).trim();
      return async () => {
        // Volumes of pods that run on could not be removed.
        await kubectl.ok(["delete", "deployment/web", "--timeout=60s"]);
        await eventually(async () => expect(await cluster.containers()).toEqual([]));
        await cluster.stop();
      };
    }, 240_000);

    test("port-forward to a pod reaches what listens at its localhost only", async () => {
      const forwarded = await forward(kubectl, `pod/${pod}`, 9090);
      expect(await (await get(forwarded.port)).text()).toBe(`hello from ${pod}\n`);
      await forwarded.end();
    });

    test.each(["service/web", "deployment/web"])("port-forward to %s", async (target) => {
      const forwarded = await forward(kubectl, target, target === "service/web" ? 80 : 8080);
      expect(await (await get(forwarded.port)).text()).toBe(`hello from ${pod}\n`);
      await forwarded.end();
    });

    test("many connections at once, 20 MB among them", async () => {
      const forwarded = await forward(kubectl, `pod/${pod}`, 8080);
      const small = Array.from({ length: 40 }, async () => (await get(forwarded.port)).text());
      const big = get(forwarded.port, "/big").then(async (response) => (await response.arrayBuffer()).byteLength);
      expect(new Set(await Promise.all(small))).toEqual(new Set([`hello from ${pod}\n`]));
      expect(await big).toBe(BIG_BYTES);
      expect(forwarded.output()).not.toContain("error");
      await forwarded.end();
    });

    test("a port at which nobody listens is told", async () => {
      const forwarded = await forward(kubectl, `pod/${pod}`, 4711);
      await expect(get(forwarded.port)).rejects.toThrow();
      await eventually(() => expect(forwarded.output()).toMatch(/error forwarding port 4711 to pod .*refused/));
      await forwarded.end();
    });

    test("port-forward in channels, as a browser speaks it: one port works, the other is refused", async () => {
      const { clusters, users } = JSON.parse(await kubectl.ok(["config", "view", "--raw", "-o", "json"])) as KubeConfig;
      const [{ cluster: api }] = clusters;
      const token = Buffer.from(users[0].user.token).toString("base64url");
      const url = `${api.server.replace("https", "wss")}/api/v1/namespaces/default/pods/${pod}/portforward?ports=9090,4711`;
      const socket = new WebSocket(url, [`base64url.bearer.authorization.k8s.io.${token}`, "v4.channel.k8s.io"], {
        ca: Buffer.from(api["certificate-authority-data"], "base64"),
      });
      const channels = ["", "", "", ""];
      socket.on("message", (data: Buffer) => {
        const [channel = 0] = data;
        channels[channel] += data.subarray(1).toString("latin1");
      });
      await once(socket, "open");
      expect(socket.protocol).toBe("v4.channel.k8s.io");
      socket.send(Buffer.from("\0GET / HTTP/1.0\r\n\r\n"));
      expect((await once(socket, "close"))[0]).toBe(1000);
      expect(channels[0]).toMatch(new RegExp(`hello from ${pod}\n$`));
      expect([channels[1], channels[2]]).toEqual([number(9090), number(4711)]);
      expect(channels[3]).toMatch(/error forwarding port 4711 to pod .*refused/);
    });

    test("a pod without a node, and one that does not exist, are refused", async () => {
      const overrides = JSON.stringify({ spec: { nodeSelector: { none: "such" } } });
      await kubectl.ok(["run", "nowhere", `--image=${IMAGE}`, "--overrides", overrides]);
      const { stderr } = await kubectl.run(["port-forward", "pod/nowhere", ":80"]);
      expect(stderr).toContain("pod is not running");
      const raw = await kubectl.run(["get", "--raw", "/api/v1/namespaces/default/pods/nowhere/portforward"]);
      expect(raw.stderr).toContain("does not have a host assigned");
      expect((await kubectl.run(["port-forward", "pod/none", ":80"])).stderr).toContain('pods "none" not found');
      await kubectl.ok(["delete", "pod/nowhere", "--now"]);
    });

    const failure = async (path: string) => (await kubectl.run(["get", "--raw", `/api/v1/${path}`])).stderr;
    const raw = (path: string) => kubectl.ok(["get", "--raw", `/api/v1/${path}`]);

    test("the proxy of a pod and of its service, by name and number of the port", async () => {
      const hello = `hello from ${pod}\n`;
      for (const id of [pod, `${pod}:8080`, `http:${pod}:8080`])
        expect(await raw(`namespaces/default/pods/${id}/proxy/`)).toBe(hello);
      for (const id of ["web:http", "web:80", "http:web:80"])
        expect(await raw(`namespaces/default/services/${id}/proxy/`)).toBe(hello);
      expect((await raw(`namespaces/default/services/web:80/proxy/big`)).length).toBe(BIG_BYTES);
    });

    test("what cannot be reached is told as a stock server tells it", async () => {
      expect(await failure("namespaces/default/services/web:81/proxy/")).toContain(
        'no service port 81 found for service "web"',
      );
      // Its port has a name, so without one none is meant.
      expect(await failure("namespaces/default/services/web/proxy/")).toContain(
        'no endpoints available for service "web"',
      );
      expect(await failure("namespaces/default/services/web:none/proxy/")).toContain(
        'no endpoints available for service "web:none"',
      );
      expect(await failure("namespaces/default/services/kubernetes:https/proxy/")).toContain("no endpoints available");
      expect(await failure(`namespaces/default/pods/${pod}:4711/proxy/`)).toMatch(
        /error trying to reach service: dial tcp .*:4711: connect: connection refused/,
      );
      expect(await failure(`namespaces/default/pods/ftp:${pod}:80/proxy/`)).toContain("invalid pod request");
      expect(await failure(`namespaces/default/pods/${pod}/proxy/missing`)).toContain("NotFound");
    });

    test("through kubectl proxy: methods, bodies, links, the slash at the end", async () => {
      const child = kubectl.start(["proxy", "--port=0"]);
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      const origin = await eventually(() => {
        const port = /127\.0\.0\.1:(\d+)/.exec(output)?.[1];
        if (port === undefined) throw new Error(`kubectl proxy said ${output}`);
        return `http://127.0.0.1:${port}`;
      });
      const base = "/api/v1/namespaces/default/services/web:http/proxy";
      const links = await fetch(`${origin}${base}/links.html`);
      expect(await links.text()).toBe(`<a href="${base}/big">big</a> <a href="other">other</a>\n`);
      const redirect = await fetch(`${origin}${base}?a=b`, { redirect: "manual" });
      expect([redirect.status, redirect.headers.get("location")]).toEqual([301, `${base}/?a=b`]);
      const body = "x".repeat(300_000);
      const posted = await fetch(`${origin}${base}/cgi-bin/echo?q=1`, { method: "POST", body });
      expect(await posted.text()).toBe(`POST q=1 auth=\n${body.length}\n`);
      expect((await fetch(`${origin}${base}/index.html`, { method: "HEAD" })).status).toBe(200);
      child.kill("SIGINT");
    });

    test("the proxy of a node answers with what a kubelet would, as far as it is known", async () => {
      const node = (await kubectl.ok(["get", "pod", pod, "-o", "jsonpath={.spec.nodeName}"])).trim();
      expect(await raw(`nodes/${node}/proxy/healthz`)).toBe("ok");
      expect(await raw(`nodes/${node}:10250/proxy/metrics`)).toMatch(/kubelet_running_pods 1\n/);
      const pods = JSON.parse(await raw(`nodes/${node}/proxy/pods`)) as { items: { metadata: { name: string } }[] };
      expect(pods.items.map(({ metadata }) => metadata.name)).toEqual([pod]);
      const figures = await raw(`nodes/${node}/proxy/metrics/resource`);
      expect(figures).toMatch(/^node_cpu_usage_seconds_total [\d.]+ \d+$/m);
      expect(figures).toContain("resource_scrape_error 0\n");
      const summary = JSON.parse(await raw(`nodes/${node}/proxy/stats/summary`)) as { node: { nodeName: string } };
      expect(summary.node.nodeName).toBe(node);
      const seen = await raw(`nodes/${node}/proxy/metrics/cadvisor`);
      const of = `[^}]*namespace="default",pod="${pod}"`;
      expect(seen).toMatch(new RegExp(`^container_cpu_usage_seconds_total\\{container="[^"]+"${of}`, "m"));
      const received = `^container_network_receive_bytes_total\\{[^}]*interface="eth0",${of}[^}]*\\} [1-9]`;
      expect(seen).toMatch(new RegExp(received, "m"));
      expect(seen).toContain("container_scrape_error 0\n");
      const { kubeletconfig } = JSON.parse(await raw(`nodes/${node}/proxy/configz`)) as {
        kubeletconfig: { maxPods: number };
      };
      expect(kubeletconfig.maxPods).toBe(110);
      expect(await raw(`nodes/${node}/proxy/logs/`)).toContain("<pre>\n");
      expect(await failure(`nodes/${node}/proxy/logs/no-such-file`)).toContain("NotFound");
    });
  });
}
