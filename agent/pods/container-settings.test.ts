/** Environment, security and resources of containers, by tables. */
import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { makePod } from "./agent-bench.ts";
import { containerConfig, parseResolvConf, podDns, qosClass } from "./container-config.ts";
import { buildEnvironment, expand, type EnvSources } from "./env.ts";
import { credentialsFor } from "./images.ts";
import type { Container, PodSpec } from "./pod.ts";

const sources: EnvSources = {
  configMap: (_namespace, name) => (name === "conf" ? { metadata: { name }, data: { A: "one", B: "two" } } : undefined),
  secret: (_namespace, name) =>
    name === "keys" ? { metadata: { name }, data: { K: Buffer.from("s3cret").toString("base64") } } : undefined,
  services: [],
  kubernetesServiceIp: "10.96.0.1",
  downward: {
    hostIps: ["192.0.2.1"],
    podIps: ["10.244.0.5"],
    allocatable: { cpu: 2, memory: 1024, ephemeralStorage: 0 },
  },
};

function environment(container: Partial<Container>, spec: Partial<PodSpec> = {}, services: KubeObject[] = []) {
  const whole = { name: "app", image: "app:1", ...container };
  const pod = makePod({ containers: [whole], ...spec }, { labels: { tier: "front" } });
  return Object.fromEntries(
    buildEnvironment(pod, whole, { ...sources, services }).map(({ name, value }) => [name, value]),
  );
}

describe("$(NAME)", () => {
  test.each([
    ["$(A)", "1"],
    ["x$(A)y$(B)", "x1y2"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$(NONE)", "$(NONE)"],
    ["$A ${A} $", "$A ${A} $"],
    ["$(A", "$(A"],
    ["$(A)$", "1$"],
  ])("%s becomes %s", (text, expected) => {
    expect(expand(text, (name) => ({ A: "1", B: "2" })[name])).toBe(expected);
  });
});

describe("variables", () => {
  test("come from values, ConfigMaps, Secrets, fields and resources, in that order of overriding", () => {
    const values = environment({
      resources: { requests: { cpu: "250m" } },
      envFrom: [{ configMapRef: { name: "conf" } }, { prefix: "S_", secretRef: { name: "keys" } }],
      env: [
        { name: "B", value: "mine" },
        { name: "BOTH", value: "$(A)-$(B)" },
        { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "K" } } },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "TIER", valueFrom: { fieldRef: { fieldPath: "metadata.labels['tier']" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "requests.cpu" } } },
        { name: "MILLI", valueFrom: { resourceFieldRef: { resource: "requests.cpu", divisor: "1m" } } },
        { name: "LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } },
        { name: "NONE", valueFrom: { configMapKeyRef: { name: "none", key: "x", optional: true } } },
      ],
    });
    expect(values).toMatchObject({
      A: "one",
      B: "mine",
      S_K: "s3cret",
      BOTH: "one-mine",
      KEY: "s3cret",
      IP: "10.244.0.5",
      TIER: "front",
      CPU: "1",
      MILLI: "250",
      LIMIT: "1024",
      KUBERNETES_SERVICE_HOST: "10.96.0.1",
      KUBERNETES_SERVICE_PORT_HTTPS: "443",
    });
    expect(values).not.toHaveProperty("NONE");
  });

  const service: KubeObject = {
    metadata: { namespace: "default", name: "my-db" },
    spec: { clusterIP: "10.96.0.9", ports: [{ name: "sql", port: 5432, protocol: "TCP" }] },
  };

  test("tell of services unless the pod does not want them", () => {
    expect(environment({}, {}, [service])).toMatchObject({
      MY_DB_SERVICE_HOST: "10.96.0.9",
      MY_DB_SERVICE_PORT: "5432",
      MY_DB_SERVICE_PORT_SQL: "5432",
      MY_DB_PORT: "tcp://10.96.0.9:5432",
      MY_DB_PORT_5432_TCP_ADDR: "10.96.0.9",
    });
    const without = environment({}, { enableServiceLinks: false }, [service]);
    expect(without).not.toHaveProperty("MY_DB_SERVICE_HOST");
    expect(without).toHaveProperty("KUBERNETES_SERVICE_HOST");
  });

  test.each<[Partial<Container>, string]>([
    [{ envFrom: [{ secretRef: { name: "none" } }] }, 'secret "none" not found'],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "none", key: "x" } } }] },
      'configmap "none" not found',
    ],
    [
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "keys", key: "x" } } }] },
      "couldn't find key x in Secret default/keys",
    ],
  ])("%j cannot be made", (container, message) => {
    expect(() => environment(container)).toThrow(message);
  });
});

function configOf(
  container: Partial<Container>,
  spec: Partial<PodSpec> = {},
  image: { user?: string; uid?: number } = {},
) {
  const whole = { name: "app", image: "app:1", ...container };
  const pod = makePod({ containers: [whole], ...spec });
  const env = [{ name: "A", value: "1" }];
  return containerConfig({
    pod,
    container: whole,
    attempt: 2,
    imageRef: "sha256:1",
    image,
    env,
    mounts: [],
    memoryCapacityBytes: 2 ** 30,
  });
}

describe("what the engine is told", () => {
  test("command, log and resources", () => {
    const made = configOf({
      command: ["run", "$(A)"],
      resources: { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "100m", memory: "32Mi" } },
    });
    expect(made).toMatchObject({ command: ["run", "1"], logPath: "app/2.log", attempt: 2 });
    expect(made.resources).toEqual({
      cpuShares: 102,
      cpuQuota: 50_000,
      cpuPeriod: 100_000,
      memoryLimitBytes: 64 * 2 ** 20,
      oomScoreAdj: 969,
    });
  });

  test("the user: the container's, the pod's, the image's", () => {
    expect(
      configOf({ securityContext: { runAsUser: 5 } }, { securityContext: { runAsUser: 6 } }).security.runAsUser,
    ).toBe(5);
    expect(configOf({}, { securityContext: { runAsUser: 6 } }).security.runAsUser).toBe(6);
    expect(configOf({}, {}, { uid: 7 }).security.runAsUser).toBe(7);
    expect(configOf({}, {}, { user: "www" }).security.runAsUserName).toBe("www");
  });

  test.each<[Partial<Container>, { user?: string; uid?: number }, string]>([
    [{ securityContext: { runAsNonRoot: true } }, {}, "container has runAsNonRoot and image will run as root"],
    [{ securityContext: { runAsNonRoot: true, runAsUser: 0 } }, {}, "container's runAsUser breaks non-root policy"],
    [{ securityContext: { runAsNonRoot: true } }, { user: "www" }, "image has non-numeric user (www)"],
  ])("%j of %j is refused", (container, image, message) => {
    expect(() => configOf(container, {}, image)).toThrow(message);
  });

  test.each<[Container["resources"], string]>([
    [undefined, "BestEffort"],
    [{ requests: { cpu: "1" } }, "Burstable"],
    [{ limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
    [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }, "Burstable"],
  ])("resources %j make it %s", (resources, expected) => {
    expect(qosClass(makePod({ containers: [{ name: "app", ...(resources ? { resources } : {}) }] }))).toBe(expected);
  });
});

describe("resolv.conf", () => {
  const host = parseResolvConf("# made by hand\nnameserver 192.0.2.53\nsearch example.com\noptions timeout:2\n");
  const dns = (spec: Partial<PodSpec>, clusterDnsIp?: string) =>
    podDns(makePod(spec), { host, clusterDnsIp, dnsDomain: "cluster.local" });

  test("is the cluster's, or the host's where there is none or the pod wants it so", () => {
    expect(dns({}, "10.96.0.10")).toEqual({
      servers: ["10.96.0.10"],
      searches: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com"],
      options: ["ndots:5"],
    });
    expect(dns({})).toEqual(host);
    expect(dns({ dnsPolicy: "Default" }, "10.96.0.10")).toEqual(host);
    expect(dns({ hostNetwork: true }, "10.96.0.10")).toEqual(host);
    expect(dns({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }, "10.96.0.10").servers).toEqual([
      "10.96.0.10",
    ]);
  });

  test("takes what the pod adds", () => {
    const dnsConfig = {
      nameservers: ["1.1.1.1"],
      searches: ["a.b"],
      options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
    };
    expect(dns({ dnsPolicy: "None", dnsConfig })).toEqual({
      servers: ["1.1.1.1"],
      searches: ["a.b"],
      options: ["ndots:2", "edns0"],
    });
    expect(dns({ dnsConfig }, "10.96.0.10").options).toEqual(["ndots:2", "edns0"]);
  });
});

test("credentials for a pull are those of the image's registry", () => {
  const auths = {
    "registry.example:5000": { auth: Buffer.from("me:pa:ss").toString("base64") },
    "https://index.docker.io/v1/": { username: "hub", password: "x" },
  };
  const data = { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") };
  const pod = makePod({ imagePullSecrets: [{ name: "pull" }, { name: "missing" }] });
  const secret = (_namespace: string, name: string) => (name === "pull" ? { metadata: { name }, data } : undefined);
  expect(credentialsFor(pod, "registry.example:5000/a/b:1", secret)).toEqual([{ username: "me", password: "pa:ss" }]);
  expect(credentialsFor(pod, "nginx", secret)).toEqual([{ username: "hub", password: "x" }]);
  expect(credentialsFor(pod, "other.example/a", secret)).toEqual([]);
});
