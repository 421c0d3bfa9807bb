import { describe, expect, it } from "vitest";
import type { ResourceQuota } from "../kinds/core/resourcequotas/types.ts";
import type { Container } from "../kinds/core/pods/types.ts";
import type { AdmissionAttributes } from "./admission.ts";
import { createResourceQuota, type LimitedResource } from "./resource-quota.ts";
import { attributesOf, podWith, refusalOf } from "./testing/attributes.ts";

type Hard = Record<string, string>;

function quotaOf(
  hard: Hard,
  parts: { name?: string; used?: Hard; spec?: object; status?: object } = {},
): ResourceQuota {
  const { name = "q", used = Object.fromEntries(Object.keys(hard).map((key) => [key, "0"])), spec, status } = parts;
  return { metadata: { name, uid: `uid-of-${name}` }, spec: { hard, ...spec }, status: status ?? { hard, used } };
}

function pluginWith(quotas: ResourceQuota[], limitedResources: LimitedResource[] = []) {
  let reads = 0;
  const plugin = createResourceQuota({
    rules: {
      of: async () => ({ namespace: undefined, limitRanges: [], quotas }),
      quotasOf: async () => {
        reads++;
        return quotas;
      },
    },
    clock: { now: () => 0 },
    limitedResources,
  });
  const judged = async (parts: Partial<AdmissionAttributes>) => {
    const attributes = attributesOf({ object: podWith(), ...parts });
    const refusal = await refusalOf(() => plugin.validate?.(attributes));
    return { refusal, quotas: attributes.quotas };
  };
  return { judged, reads: () => reads };
}

const container = (cpu: string): Container => ({ name: "c", resources: { requests: { cpu } } });
const FORBIDDEN = 'pods "p" is forbidden: ';
const map = { resource: "configmaps", object: { metadata: { name: "m" } } };

describe("what a write is charged to", () => {
  it("is nothing where there is no quota, and that is for the write to see", async () => {
    const { judged, reads } = pluginWith([]);
    expect(await judged({})).toEqual({ refusal: "", quotas: { uids: [], charges: [] } });
    expect(await judged(map)).toEqual({ refusal: "", quotas: { uids: [], charges: [] } });
    expect(reads()).toBe(0);
  });

  it("is read once a write has found that there are some, and from then on", async () => {
    const { judged, reads } = pluginWith([quotaOf({ configmaps: "1" })]);
    expect((await judged(map)).quotas?.uids).toEqual([]);
    const charges = [{ name: "q", uid: "uid-of-q", usage: { "count/configmaps": "1", configmaps: "1" } }];
    expect((await judged({ ...map, stale: true })).quotas).toEqual({ uids: ["uid-of-q"], charges });
    expect((await judged(map)).quotas).toEqual({ uids: ["uid-of-q"], charges });
    expect(reads()).toBe(2);
  });

  it("is each quota that limits what it uses, in whose scopes it is", async () => {
    const { judged } = pluginWith([
      quotaOf({ pods: "1" }, { name: "all" }),
      quotaOf({ pods: "1" }, { name: "ending", spec: { scopes: ["Terminating"] } }),
      quotaOf({ services: "1" }, { name: "services" }),
    ]);
    const { quotas } = await judged({});
    expect(quotas?.charges.map(({ name }) => name)).toEqual(["all"]);
    expect(quotas?.uids).toEqual(["uid-of-all", "uid-of-ending", "uid-of-services"]);
  });

  it("is a quota that has not been counted yet, too", async () => {
    const { judged } = pluginWith([quotaOf({ pods: "0" }, { status: {} })]);
    expect((await judged({})).quotas?.charges).toMatchObject([{ name: "q" }]);
  });

  it.each<[string, Partial<AdmissionAttributes>]>([
    ["an event", { resource: "events" }],
    ["a cluster-scoped object", { namespace: "", resource: "nodes" }],
    ["a subresource", { subresource: "binding" }],
    ["a deletion", { operation: "DELETE", object: undefined }],
    ["an update that uses no more", { ...map, operation: "UPDATE", oldObject: map.object }],
    ["a status", { operation: "UPDATE", subresource: "status", oldObject: podWith() }],
  ])("is nothing for %s", async (_, parts) => {
    expect(await pluginWith([quotaOf({ pods: "0", configmaps: "0" })]).judged(parts)).toEqual({
      refusal: "",
      quotas: undefined,
    });
  });

  it("is what an update uses more", async () => {
    const { judged } = pluginWith([quotaOf({ cpu: "5", pods: "5" })]);
    const resized = {
      operation: "UPDATE" as const,
      subresource: "resize",
      object: podWith({ containers: [container("2")] }),
      oldObject: podWith({ containers: [container("500m")] }),
      stale: true,
    };
    expect((await judged(resized)).quotas?.charges).toEqual([
      { name: "q", uid: "uid-of-q", usage: { cpu: "1500m", "requests.cpu": "1500m" } },
    ]);
    const shrunk = { ...resized, object: resized.oldObject, oldObject: resized.object };
    expect((await judged(shrunk)).quotas).toBeUndefined();
  });

  it("is the whole pod where it moves into a scope", async () => {
    const { judged } = pluginWith([quotaOf({ pods: "5" }, { spec: { scopes: ["Terminating"] } })]);
    const moved = {
      operation: "UPDATE" as const,
      object: podWith({ activeDeadlineSeconds: 5 }),
      oldObject: podWith(),
      stale: true,
    };
    expect((await judged(moved)).quotas?.charges).toMatchObject([{ usage: { pods: "1" } }]);
  });
});

describe("refusals", () => {
  it("of containers that do not name what is limited", async () => {
    expect((await pluginWith([quotaOf({ cpu: "1", memory: "1Gi" })]).judged({})).refusal).toBe(
      `${FORBIDDEN}failed quota: q: must specify cpu for: c; memory for: c`,
    );
  });

  it("where it is unknown what is used", async () => {
    const hard = { pods: "1", "count/pods": "2" };
    expect((await pluginWith([quotaOf(hard, { used: { pods: "1" } })]).judged({})).refusal).toBe(
      `${FORBIDDEN}status unknown for quota: q, resources: count/pods,pods`,
    );
  });

  it("of a dry run are told at once", async () => {
    const { judged } = pluginWith([quotaOf({ pods: "1" }, { used: { pods: "1" } })]);
    expect((await judged({ dryRun: true })).refusal).toBe(
      `${FORBIDDEN}exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1`,
    );
    expect((await judged({})).refusal).toBe("");
  });

  it("of what needs a quota and has none", async () => {
    const pods = { resource: "pods", matchContains: ["pods"] };
    expect((await pluginWith([], [pods]).judged({})).refusal).toBe(
      `${FORBIDDEN}insufficient quota to consume: count/pods,pods`,
    );
    expect((await pluginWith([quotaOf({ pods: "1", "count/pods": "1" })], [pods]).judged({})).refusal).toBe("");
    const critical = { scopeName: "PriorityClass", operator: "In", values: ["high"] };
    const scoped = pluginWith([], [{ resource: "pods", matchScopes: [critical] }]);
    expect((await scoped.judged({ object: podWith({ priorityClassName: "high" }) })).refusal).toBe(
      "insufficient quota to match these scopes: [{PriorityClass In [high]}]",
    );
    expect((await scoped.judged({})).refusal).toBe("");
  });
});
