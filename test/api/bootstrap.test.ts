import { expect, test } from "vitest";
import { bootstrapCluster } from "../../src/bootstrap.ts";
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
