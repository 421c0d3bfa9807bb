import { describe, expect, it } from "vitest";
import { defineKind, type KindDefinition } from "../registry/kind.ts";
import { createScheme } from "../registry/scheme.ts";
import { createDiscovery } from "./discovery.ts";

/** One resource in two versions beside one that exists in the older one only. */
function autoscaler(version: string, storedAs?: KindDefinition) {
  return defineKind({
    group: "autoscaling",
    version,
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
    namespaced: true,
    schema: `io.k8s.api.autoscaling.${version}.HorizontalPodAutoscaler`,
    ...(storedAs ? { storedAs: { kind: storedAs, toStored: (object) => object, fromStored: (object) => object } } : {}),
  });
}
const v2 = autoscaler("v2");
const old = defineKind({
  group: "autoscaling",
  version: "v1beta1",
  kind: "Thing",
  plural: "things",
  namespaced: false,
  schema: "",
});
const discovery = createDiscovery({
  scheme: createScheme([autoscaler("v1", v2), old, v2]),
  virtual: [],
  serverAddress: "gantry.test:6443",
});

async function get<T>(path: string, accept = "application/json"): Promise<T> {
  const handler = discovery.find(path);
  if (!handler) throw new Error(`nothing at ${path}`);
  const response = await handler(new Request(`https://gantry.test${path}`, { headers: { accept } }), {
    path,
    query: "",
  });
  return (await response.json()) as T;
}

interface Resources {
  resources: { name: string; storageVersionHash: string }[];
}

describe("discovery of a group with several versions", () => {
  it("prefers the newest stable one", async () => {
    expect(await get("/apis/autoscaling")).toMatchObject({
      versions: [{ version: "v2" }, { version: "v1" }, { version: "v1beta1" }],
      preferredVersion: { groupVersion: "autoscaling/v2", version: "v2" },
    });
    const all = await get<{ items: { versions: { version: string; resources: { resource: string }[] }[] }[] }>(
      "/apis",
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    );
    expect(all.items[0]?.versions.map(({ version, resources }) => [version, resources.map((r) => r.resource)])).toEqual(
      [
        ["v2", ["horizontalpodautoscalers"]],
        ["v1", ["horizontalpodautoscalers"]],
        ["v1beta1", ["things"]],
      ],
    );
  });

  it("names one stored version for all of them", async () => {
    const [older, newer] = await Promise.all(
      ["v1", "v2"].map((version) => get<Resources>(`/apis/autoscaling/${version}`)),
    );
    expect(older?.resources[0]?.storageVersionHash).toMatch(/^[A-Za-z0-9+/]{11}=$/);
    expect(newer?.resources[0]?.storageVersionHash).toBe(older?.resources[0]?.storageVersionHash);
  });
});
