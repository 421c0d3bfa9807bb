/**
 * `kubectl run` and `kubectl expose`: the whole object that comes of each form. What kubectl sends:
 * k8s.io/kubectl/pkg/cmd/{run,expose}; what becomes of it: kubernetes/pkg/apis/core/v1/defaults.go, and admission.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "../../harness/kubectl.ts";
import { lines, openShell, type Shell } from "../shell.ts";

const ACCESS = { name: "kube-api-access-NAME" };

const CONTAINER = {
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  volumeMounts: [{ ...ACCESS, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }],
};

const unready = (key: string) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 });

const POD = {
  volumes: [
    {
      ...ACCESS,
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          {
            downwardAPI: {
              items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
            },
          },
        ],
      },
    },
  ],
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  serviceAccountName: "default",
  serviceAccount: "default",
  securityContext: {},
  schedulerName: "default-scheduler",
  tolerations: [unready("node.kubernetes.io/not-ready"), unready("node.kubernetes.io/unreachable")],
  priority: 0,
  enableServiceLinks: true,
  preemptionPolicy: "PreemptLowerPriority",
};

interface Made {
  labels?: object;
  annotations?: object;
  spec: object;
}

const podOf = (container: object, more: object = {}): object => ({
  ...POD,
  ...more,
  containers: [{ ...CONTAINER, ...container }],
});

/** Command, what it says, and the pod that it makes. */
const RUN: [command: string, said: string[], pod: Made][] = [
  [
    "run plain --image=nginx",
    ["pod/plain created"],
    { labels: { run: "plain" }, spec: podOf({ name: "plain", image: "nginx", imagePullPolicy: "Always" }) },
  ],
  [
    "run full --image=example.org/app:1 --restart=Never --labels=app=full,tier=web --annotations=a.example.com/b=c --env=K=V --env=L=M --port=80 --image-pull-policy=Never --privileged --command -- serve now",
    ["pod/full created"],
    {
      labels: { app: "full", tier: "web" },
      annotations: { "a.example.com/b": "c" },
      spec: podOf(
        {
          name: "full",
          image: "example.org/app:1",
          command: ["serve", "now"],
          env: [
            { name: "K", value: "V" },
            { name: "L", value: "M" },
          ],
          ports: [{ containerPort: 80, protocol: "TCP" }],
          imagePullPolicy: "Never",
          securityContext: { privileged: true },
        },
        { restartPolicy: "Never" },
      ),
    },
  ],
  [
    "run args --image=example.org/app:1 --restart=OnFailure -- one two",
    ["pod/args created"],
    {
      labels: { run: "args" },
      spec: podOf(
        { name: "args", image: "example.org/app:1", args: ["one", "two"], imagePullPolicy: "IfNotPresent" },
        { restartPolicy: "OnFailure" },
      ),
    },
  ],
  [
    `run overridden --image=example.org/app:1 --overrides='{"spec":{"nodeSelector":{"disk":"ssd"},"terminationGracePeriodSeconds":5}}'`,
    ["pod/overridden created"],
    {
      labels: { run: "overridden" },
      spec: podOf(
        { name: "overridden", image: "example.org/app:1", imagePullPolicy: "IfNotPresent" },
        { nodeSelector: { disk: "ssd" }, terminationGracePeriodSeconds: 5 },
      ),
    },
  ],
  [
    "run exposed --image=example.org/app:1 --port=5701 --expose",
    ["service/exposed created", "pod/exposed created"],
    {
      labels: { run: "exposed" },
      spec: podOf({
        name: "exposed",
        image: "example.org/app:1",
        ports: [{ containerPort: 5701, protocol: "TCP" }],
        imagePullPolicy: "IfNotPresent",
      }),
    },
  ],
];

const ADDRESS = "CLUSTER-IP";

const SERVICE = {
  type: "ClusterIP",
  clusterIP: ADDRESS,
  clusterIPs: [ADDRESS],
  ipFamilies: ["IPv4"],
  ipFamilyPolicy: "SingleStack",
  internalTrafficPolicy: "Cluster",
  sessionAffinity: "None",
};

const EXTERNAL = { externalTrafficPolicy: "Cluster" };

/** The arguments after "expose", and the Service that comes of it. */
const EXPOSED: [command: string, name: string, service: Made][] = [
  [
    "deployment web --port=80 --target-port=8080 --name=front",
    "front",
    {
      labels: { app: "web" },
      spec: { ...SERVICE, selector: { app: "web" }, ports: [{ protocol: "TCP", port: 80, targetPort: 8080 }] },
    },
  ],
  [
    "deployment web --port=80 --target-port=http --type=NodePort --name=open --session-affinity=ClientIP",
    "open",
    {
      labels: { app: "web" },
      spec: {
        ...SERVICE,
        ...EXTERNAL,
        type: "NodePort",
        selector: { app: "web" },
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
        ports: [{ protocol: "TCP", port: 80, targetPort: "http", nodePort: "NODE-PORT" }],
      },
    },
  ],
  [
    "deployment web --port=53 --protocol=UDP --cluster-ip=None --name=headless",
    "headless",
    {
      labels: { app: "web" },
      spec: {
        ...SERVICE,
        clusterIP: "None",
        clusterIPs: ["None"],
        selector: { app: "web" },
        ports: [{ protocol: "UDP", port: 53, targetPort: 53 }],
      },
    },
  ],
  [
    "deployment web --port=80 --type=LoadBalancer --load-balancer-ip=192.0.2.9 --name=balanced --labels=made=by-hand",
    "balanced",
    {
      labels: { made: "by-hand" },
      spec: {
        ...SERVICE,
        ...EXTERNAL,
        type: "LoadBalancer",
        allocateLoadBalancerNodePorts: true,
        loadBalancerIP: "192.0.2.9",
        selector: { app: "web" },
        ports: [{ protocol: "TCP", port: 80, targetPort: 80, nodePort: "NODE-PORT" }],
      },
    },
  ],
  [
    "pod ported --selector=app=other",
    "ported",
    {
      labels: { app: "ported" },
      spec: {
        ...SERVICE,
        selector: { app: "other" },
        ports: [
          { name: "port-1", protocol: "TCP", port: 80, targetPort: 80 },
          { name: "port-2", protocol: "UDP", port: 53, targetPort: 53 },
        ],
      },
    },
  ],
  [
    "service front --port=443 --target-port=8443 --name=secure",
    "secure",
    {
      labels: { app: "web" },
      spec: { ...SERVICE, selector: { app: "web" }, ports: [{ protocol: "TCP", port: 443, targetPort: 8443 }] },
    },
  ],
];

const PORTED = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "ported", labels: { app: "ported" } },
  spec: {
    containers: [
      {
        name: "c",
        image: "example.org/app:1",
        ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }],
      },
    ],
  },
};

const REFUSED: [command: string, message: string][] = [
  ["run x --image=example.org/app:1 --expose", "error: --port must be set when exposing a service"],
  ["run plain --image=nginx", 'Error from server (AlreadyExists): pods "plain" already exists'],
  ["run Capital --image=nginx", 'The Pod "Capital" is invalid:'],
  ["expose deployment web --name=x", "error: couldn't find port via --port flag or introspection"],
  ["expose configmap kube-root-ca.crt --port=80", "error: cannot expose a ConfigMap"],
  ["expose deployment none --port=80", 'Error from server (NotFound): deployments.apps "none" not found'],
];

export function runningSuite(kubectl: () => Kubectl): void {
  describe("run and expose", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "running");
      await shell.ok("wait --for=create serviceaccount/default --timeout=20s");
      await shell.ok("create deployment web --image=example.org/app:1");
      await shell.ok("create -f -", { stdin: JSON.stringify(PORTED) });
    });

    test.each(RUN)("%s", async (line, said, pod) => {
      expect(lines(await shell.ok(line)).toSorted()).toEqual(said.toSorted());
      const [name = ""] = line.split(" ").slice(1);
      expect(await made(shell, `pod ${name}`)).toEqual(pod);
    });

    test("run --expose makes a Service for the pod, too", async () => {
      expect(await made(shell, "service exposed")).toEqual({
        spec: { ...SERVICE, selector: { run: "exposed" }, ports: [{ protocol: "TCP", port: 5701, targetPort: 5701 }] },
      });
    });

    test.each(EXPOSED)("expose %s", async (words, name, service) => {
      expect(await shell.ok(`expose ${words}`)).toBe(`service/${name} exposed`);
      expect(await made(shell, `service ${name}`)).toEqual(service);
    });

    test.each(REFUSED)("%s is refused", async (line, message) => {
      expect(lines(await shell.fails(line))[0]).toBe(message);
    });
  });
}

/** Without what the server draws or counts. */
async function made(shell: Shell, what: string): Promise<Made> {
  const { metadata, spec } = await shell.json(`get ${what}`);
  const { labels, annotations } = metadata;
  const text = JSON.stringify(spec)
    .replaceAll(/kube-api-access-[a-z0-9]{5}/g, ACCESS.name)
    .replaceAll(/"10\.\d+\.\d+\.\d+"/g, `"${ADDRESS}"`)
    .replaceAll(/"nodePort":3[0-2]\d{3}/g, '"nodePort":"NODE-PORT"');
  return { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}), spec: JSON.parse(text) as object };
}
