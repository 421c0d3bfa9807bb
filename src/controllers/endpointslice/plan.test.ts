import { describe, expect, test } from "vitest";
import { serviceView, endpointSliceView, type EndpointSliceView } from "../../controller-runtime/views/other-views.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import type { Service } from "../../kinds/core/services/types.ts";
import { withSeed } from "../../../test/harness/seeded.ts";
import { pod, type PodParts } from "../../controller-runtime/views.fixture.ts";
import { ENDPOINTS_MAX, planSlices, type SlicePlan } from "./plan.ts";

const serviceOf = (spec: Service["spec"] = {}, labels: Record<string, string> = {}) =>
  serviceView({
    metadata: { name: "web", namespace: "n", uid: "u", labels },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }], ...spec },
  });

let serial = 0;

/** The plan carried out. */
function apply(slices: readonly EndpointSliceView[], plan: SlicePlan): EndpointSliceView[] {
  const updated = new Map(plan.update.map(({ slice, content }) => [slice, content]));
  const kept = slices.filter((slice) => !plan.remove.includes(slice));
  const made = plan.create.map((content) => ({ name: `web-${(serial += 1)}`, content }));
  return [
    ...kept.map((slice) => {
      const content = updated.get(slice);
      return content ? { ...slice, ...content, metadata: { ...slice.metadata, labels: content.labels } } : slice;
    }),
    ...made.map(({ name, content: { labels, ...body } }) =>
      endpointSliceView({ metadata: { name, namespace: "n", labels, resourceVersion: "1" }, ...body }),
    ),
  ];
}

const at = (index: number, more: PodParts = {}): PodView =>
  pod(`p${index}`, { node: "node-1", ip: `10.0.${Math.floor(index / 250)}.${index % 250}`, ...more });
const many = (count: number): PodView[] => Array.from({ length: count }, (_, index) => at(index));

function settled(pods: readonly PodView[], service = serviceOf(), slices: readonly EndpointSliceView[] = []) {
  const result = apply(slices, planSlices({ service, pods, slices }));
  // Whatever was done, there is nothing left to do.
  expect(planSlices({ service, pods, slices: result })).toEqual({ create: [], update: [], remove: [] });
  return result;
}

test("one endpoint a pod, with its node and reference", () => {
  const [slice] = settled([at(1)], serviceOf({}, { team: "a" }));
  expect(slice).toMatchObject({
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: [
      {
        addresses: ["10.0.0.1"],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: "node-1",
        targetRef: { kind: "Pod", namespace: "n", name: "p1", uid: "uid-p1" },
      },
    ],
  });
  expect(slice?.metadata.labels).toEqual({
    team: "a",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
});

describe("conditions", () => {
  const going = { meta: { deletionTimestamp: "2026-01-01T12:00:00Z" } };
  test.each<[string, PodParts, Service["spec"], object | undefined]>([
    ["ready", {}, {}, { ready: true, serving: true, terminating: false }],
    ["not ready", { ready: false }, {}, { ready: false, serving: false, terminating: false }],
    ["going, still answering", going, {}, { ready: false, serving: true, terminating: true }],
    [
      "published anyway",
      { ready: false },
      { publishNotReadyAddresses: true },
      { ready: true, serving: false, terminating: false },
    ],
    ["finished", { phase: "Succeeded" }, {}, undefined],
    ["without an address", { ip: "" }, {}, undefined],
  ])("%s", (_name, parts, spec, expected) => {
    const one = parts.ip === "" ? pod("p", { node: "n" }) : at(1, parts);
    const slices = settled([one], serviceOf(spec));
    expect(slices.flatMap(({ endpoints }) => endpoints.map(({ conditions }) => conditions))).toEqual(
      expected ? [expected] : [],
    );
  });
});

test("a Service without endpoints has one empty slice", () => {
  const slices = settled([]);
  expect(slices.map(({ endpoints }) => endpoints)).toEqual([[]]);
  expect(settled([at(1)], serviceOf(), slices)).toHaveLength(1);
});

const port = (containerPort: number): PodParts => ({
  spec: { containers: [{ name: "c", ports: [{ name: "web", containerPort }] }] },
});

test("a named port is looked up in each pod: pods that call it differently are in slices of their own", () => {
  const service = serviceOf({ ports: [{ name: "http", port: 80, targetPort: "web" }] });
  const slices = settled([at(1, port(8080)), at(2, port(9090)), at(3)], service);
  const found = slices.map(({ ports, endpoints }) => [ports[0]?.port, endpoints.map(({ addresses }) => addresses[0])]);
  expect(found.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
    [undefined, ["10.0.0.3"]],
    [8080, ["10.0.0.1"]],
    [9090, ["10.0.0.2"]],
  ]);
});

test("headless: labelled so, and pods with a hostname in its subdomain have names", () => {
  const named = { spec: { hostname: "web-0", subdomain: "web" } };
  const [slice] = settled([at(1, named), at(2)], serviceOf({ clusterIP: "None" }));
  expect(slice?.metadata.labels["service.kubernetes.io/headless"]).toBe("");
  expect(slice?.endpoints.map(({ hostname }) => hostname)).toEqual(["web-0", undefined]);
});

test("a slice of each family", () => {
  const dual = [at(1, { ip: "10.0.0.1,fd00::1" }), at(2)];
  const slices = settled(dual, serviceOf({ ipFamilies: ["IPv4", "IPv6"] }));
  expect(slices.map(({ addressType, endpoints }) => [addressType, endpoints.length])).toEqual([
    ["IPv4", 2],
    ["IPv6", 1],
  ]);
});

const counts = (plan: SlicePlan) => [plan.create.length, plan.update.length, plan.remove.length];

const plan = (pods: readonly PodView[], slices: readonly EndpointSliceView[]) =>
  planSlices({ service: serviceOf(), pods, slices });

describe("few writes", () => {
  test("at most 100 a slice", () => {
    const slices = settled(many(250));
    expect(slices.map(({ endpoints }) => endpoints.length)).toEqual([100, 100, 50]);
  });

  test("one pod more, less or changed is one write", () => {
    const slices = settled(many(250));
    expect(counts(plan(many(251), slices))).toEqual([0, 1, 0]);
    expect(counts(plan(many(250).slice(1), slices))).toEqual([0, 1, 0]);
    expect(counts(plan([at(0, { ready: false }), ...many(250).slice(1)], slices))).toEqual([0, 1, 0]);
  });

  test("what leaves one slice and what comes elsewhere share their writes; an empty slice goes", () => {
    const slices = settled(many(150));
    expect(counts(plan([...many(150).slice(0, 99), at(200)], slices))).toEqual([0, 1, 1]);
  });

  test("random changes: every pod once, never over the limit, and it always comes to rest", async () => {
    await withSeed(async (dice) => {
      let slices: EndpointSliceView[] = [];
      for (let round = 0; round < 60; round++) {
        const pods = many(400).filter(() => dice.chance(0.3 + dice.roll(6) / 10));
        slices = settled(pods, serviceOf(), slices);
        const addresses = slices.flatMap(({ endpoints }) => endpoints.map((endpoint) => endpoint.addresses[0] ?? ""));
        expect(addresses.toSorted()).toEqual(pods.map(({ podIPs }) => podIPs[0] ?? "").toSorted());
        expect(Math.max(...slices.map(({ endpoints }) => endpoints.length))).toBeLessThanOrEqual(ENDPOINTS_MAX);
      }
    });
  });
});
