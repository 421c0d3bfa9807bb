import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootstrapCluster } from "../../src/bootstrap.ts";
import type { ApiService } from "../../src/kinds/apiregistration/apiservices/types.ts";
import type { FlowSchema, PriorityLevelConfiguration } from "../../src/kinds/flowcontrol/types.ts";
import type { ClusterRole } from "../../src/kinds/rbac/types.ts";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import { createTestCluster } from "../harness/cluster.ts";

test("two first starts of one cluster agree, whoever is faster", async () => {
  const cluster = await createTestCluster();
  try {
    const remove = await cluster.call("/api/v1/namespaces/default/services/kubernetes", { method: "DELETE" });
    expect(remove.status).toBe(200);
    await Promise.all(Array.from({ length: 8 }, () => bootstrapCluster(cluster.cluster, cluster.app)));
    const service = await cluster.call<{ spec: { clusterIP: string } }>(
      "/api/v1/namespaces/default/services/kubernetes",
    );
    expect(service.body.spec.clusterIP).toBe("10.96.0.1");
  } finally {
    await cluster.stop();
  }
});

interface Cells {
  rows: { cells: string[] }[];
}

describe("a fresh cluster, as a kube-apiserver leaves one", () => {
  let cluster: Awaited<ReturnType<typeof createTestCluster>>;
  beforeAll(async () => {
    cluster = await createTestCluster();
  });
  afterAll(() => cluster.stop());

  const list = async <T extends KubeObject>(path: string): Promise<T[]> =>
    (await cluster.call<KubeList<T>>(path)).body.items;
  const table = async (path: string): Promise<string[][]> => {
    const headers = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    return (await cluster.call<Cells>(path, { headers })).body.rows.map(({ cells }) => cells);
  };

  // k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go
  test("has the mandatory and the suggested flow control", async () => {
    const flowControl = "/apis/flowcontrol.apiserver.k8s.io/v1";
    const levels = await list<PriorityLevelConfiguration>(`${flowControl}/prioritylevelconfigurations`);
    expect(
      levels.map(({ metadata, spec: { limited } }) => {
        const { queues, handSize, queueLengthLimit } = limited?.limitResponse?.queuing ?? {};
        const shares = [limited?.nominalConcurrencyShares, limited?.lendablePercent];
        return [metadata.name, ...shares, queues, handSize, queueLengthLimit].join(" ");
      }),
    ).toEqual([
      "catch-all 5 0   ",
      "exempt     ",
      "global-default 20 50 128 6 50",
      "leader-election 10 0 16 4 50",
      "node-high 40 25 64 6 50",
      "system 30 33 64 6 50",
      "workload-high 40 50 128 6 50",
      "workload-low 100 90 128 6 50",
    ]);
    const schemas = await list<FlowSchema>(`${flowControl}/flowschemas`);
    expect(
      schemas.map(({ metadata, spec }) => {
        const { matchingPrecedence, priorityLevelConfiguration: level, distinguisherMethod } = spec;
        return [metadata.name, level.name, matchingPrecedence, distinguisherMethod?.type].join(" ");
      }),
    ).toEqual([
      "catch-all catch-all 10000 ByUser",
      "exempt exempt 1 ",
      "global-default global-default 9900 ByUser",
      "kube-controller-manager workload-high 800 ByNamespace",
      "kube-scheduler workload-high 800 ByNamespace",
      "kube-system-service-accounts workload-high 900 ByNamespace",
      "probes exempt 2 ",
      "service-accounts workload-low 9000 ByUser",
      "system-leader-election leader-election 100 ByUser",
      "system-node-high node-high 400 ByUser",
      "system-nodes system 500 ByUser",
    ]);
    for (const { metadata } of [...levels, ...schemas]) {
      expect(metadata.annotations).toEqual({ "apf.kubernetes.io/autoupdate-spec": "true" });
    }
  });

  // cmd/kube-apiserver/app/aggregator.go, k8s.io/kube-aggregator/pkg/controllers/autoregister
  test("has a local APIService for each version it serves", async () => {
    const services = await list<ApiService>("/apis/apiregistration.k8s.io/v1/apiservices");
    expect(
      services.map(({ metadata, spec }) =>
        [metadata.name, spec?.groupPriorityMinimum, spec?.versionPriority].join(" "),
      ),
    ).toEqual([
      "v1. 18000 1",
      "v1.admissionregistration.k8s.io 16700 15",
      "v1.apiextensions.k8s.io 16700 15",
      "v1.apps 17800 15",
      "v1.authentication.k8s.io 17700 15",
      "v1.authorization.k8s.io 17600 15",
      "v1.autoscaling 17500 15",
      "v1.batch 17400 15",
      "v1.certificates.k8s.io 17300 15",
      "v1.coordination.k8s.io 16500 15",
      "v1.discovery.k8s.io 16200 15",
      "v1.events.k8s.io 17750 15",
      "v1.flowcontrol.apiserver.k8s.io 16100 21",
      "v1.networking.k8s.io 17200 15",
      "v1.node.k8s.io 16300 15",
      "v1.policy 17100 15",
      "v1.rbac.authorization.k8s.io 17000 15",
      "v1.resource.k8s.io 16200 20",
      "v1.scheduling.k8s.io 16600 15",
      "v1.storage.k8s.io 16800 15",
      "v2.autoscaling 17500 30",
    ]);
    for (const { metadata, spec, status } of services) {
      expect(metadata.labels).toEqual({ "kube-aggregator.kubernetes.io/automanaged": "onstart" });
      expect(spec?.service).toBeUndefined();
      expect(status?.conditions).toMatchObject([{ type: "Available", status: "True", reason: "Local" }]);
    }
    const [first] = await table("/apis/apiregistration.k8s.io/v1/apiservices");
    expect(first?.slice(0, 3)).toEqual(["v1.", "Local", "True"]);
  });

  test("has a default class of storage, which claims get", async () => {
    expect(await table("/apis/storage.k8s.io/v1/storageclasses")).toEqual([
      ["local-path (default)", "gantry.dev/local-path", "Delete", "WaitForFirstConsumer", false, expect.any(String)],
    ]);
    const body = { metadata: { name: "data" }, spec: CLAIM };
    const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    expect((await cluster.call(claims, { method: "POST", body })).body).toMatchObject({
      spec: { storageClassName: "local-path" },
    });
  });

  test("says to aggregated API servers whom to trust, and who may ask", async () => {
    const path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    const { body } = await cluster.call<KubeObject & { data: Record<string, string> }>(path);
    expect(body.data).toEqual({ "client-ca-file": cluster.cluster.keys.clusterCa });
    const roles = await list("/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles");
    expect(roles.map(({ metadata }) => metadata.name)).toContain("extension-apiserver-authentication-reader");
  });

  // plugin/pkg/auth/authorizer/rbac/bootstrappolicy
  test("has the default roles, marked as such, and who has them", async () => {
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    for (const plural of ["clusterroles", "clusterrolebindings", "roles", "rolebindings"]) {
      const found = await list(`${rbac}/${plural}`);
      expect(found.length).toBeGreaterThan(5);
      for (const { metadata } of found) {
        expect(metadata.labels).toMatchObject({ "kubernetes.io/bootstrapping": "rbac-defaults" });
        expect(metadata.annotations).toEqual({ "rbac.authorization.kubernetes.io/autoupdate": "true" });
      }
    }
    const admin = await cluster.call<ClusterRole>(`${rbac}/clusterroles/admin`);
    const { aggregationRule, rules } = admin.body;
    expect(aggregationRule).toEqual({
      clusterRoleSelectors: [{ matchLabels: { "rbac.authorization.k8s.io/aggregate-to-admin": "true" } }],
    });
    // Its own part, that of edit, and through edit that of view.
    const resources = rules?.flatMap((rule) => rule.resources ?? []);
    expect(resources).toEqual(expect.arrayContaining(["rolebindings", "pods/exec", "pods/log"]));
  });

  test("puts back what its default roles have lost, and keeps what they were given", async () => {
    const roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    const patch = (name: string, body: object) =>
      cluster.call(`${roles}/${name}`, {
        method: "PATCH",
        body,
        headers: { "content-type": "application/merge-patch+json" },
      });
    const extra = { verbs: ["get"], apiGroups: ["x.io"], resources: ["extras"] };
    await patch("system:kube-dns", { rules: [extra], metadata: { labels: { mine: "yes" } } });
    const off = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
    await patch("system:heapster", { rules: [extra], metadata: { annotations: off } });
    const bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    await cluster.call(`${bindings}/system:discovery`, { method: "DELETE" });
    await bootstrapCluster(cluster.cluster, cluster.app);
    const dns = (await cluster.call<ClusterRole>(`${roles}/system:kube-dns`)).body;
    expect(dns.rules?.[0]).toEqual(extra);
    expect(dns.rules).toContainEqual({ verbs: ["watch"], apiGroups: [""], resources: ["services"] });
    expect(dns.metadata.labels).toEqual({ "kubernetes.io/bootstrapping": "rbac-defaults", mine: "yes" });
    expect((await cluster.call<ClusterRole>(`${roles}/system:heapster`)).body.rules).toEqual([extra]);
    expect((await cluster.call(`${bindings}/system:discovery`)).status).toBe(200);
  });

  test("a later start asks once for all of it, writes nothing, and makes what is gone", async () => {
    const { cluster: made, app } = cluster;
    const asked: number[] = [];
    const storage = {
      ...made.storage,
      getMany: async (keys: Parameters<typeof made.storage.getMany>[0]) => {
        asked.push(keys.length);
        return await made.storage.getMany(keys);
      },
    };
    const before = await made.storage.revision();
    await bootstrapCluster({ ...made, storage }, app);
    expect(await made.storage.revision()).toBe(before);
    expect(asked).toEqual([expect.any(Number)]);
    await cluster.call("/apis/apiregistration.k8s.io/v1/apiservices/v1.apps", { method: "DELETE" });
    await bootstrapCluster(made, app);
    expect((await cluster.call("/apis/apiregistration.k8s.io/v1/apiservices/v1.apps")).status).toBe(200);
  });
});

const CLAIM = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
