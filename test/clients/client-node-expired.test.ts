/** An informer whose revision has been compacted away: 410, a new list, and on. Compaction is at hand only in this process. */
import { CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { serveTestCluster, type ServedCluster } from "../harness/served-cluster.ts";
import { listenTo, secret } from "./client-node.suite.ts";

describe("@kubernetes/client-node after 410", () => {
  let served: ServedCluster;
  let core: CoreV1Api;
  const config = new KubeConfig();
  beforeAll(async () => {
    // No history in memory either: a watch from what the log has forgotten would be served from there.
    served = await serveTestCluster({ hubLimits: { retentionMs: 0, windowBytesMax: 1 } });
    const { url, ca, token } = served;
    config.loadFromOptions({
      clusters: [{ name: "c", server: url, caData: Buffer.from(ca).toString("base64") }],
      users: [{ name: "u", token }],
      contexts: [{ name: "x", cluster: "c", user: "u" }],
      currentContext: "x",
    });
    core = config.makeApiClient(CoreV1Api);
  });
  afterAll(() => served?.stop());

  test("an informer lists again", async () => {
    const namespace = "default";
    await core.createNamespacedSecret({ namespace, body: secret("old") });
    let lists = 0;
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/secrets`, async () => {
      lists += 1;
      const list = await core.listNamespacedSecret({ namespace });
      if (lists === 1) {
        // While the first list is on its way history goes on and is compacted.
        await core.deleteNamespacedSecret({ namespace, name: "old" });
        await core.createNamespacedSecret({ namespace, body: secret("new") });
        await new Promise((wake) => setTimeout(wake, 5));
        await served.api.hub.maintain({ nowMs: Date.now() });
        expect(await served.api.storage.floor()).toBeGreaterThan(Number(list.metadata?.resourceVersion));
      }
      return list;
    });
    const heard = listenTo(informer);
    await informer.start();
    await eventually(() => expect(heard).toEqual(["add old", "delete old", "add new"]), { withinMs: 20_000 });
    expect(lists).toBe(2);
    await core.createNamespacedSecret({ namespace, body: secret("newer") });
    await eventually(() => expect(heard.at(-1)).toBe("add newer"), { withinMs: 20_000 });
    await informer.stop();
    await eventually(() => expect(served.api.hub.stats().watchers).toBe(0));
  });
});
