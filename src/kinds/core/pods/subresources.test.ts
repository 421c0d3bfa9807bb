import { describe, expect, it } from "vitest";
import { faultsOf, prepared, updateFaults, type Loose } from "../../testing/prepare.ts";
import { podKind } from "./kind.ts";
import type { Pod } from "./types.ts";

const container = { name: "c", image: "nginx:1" };

function pod(spec: Loose): Loose {
  return { spec: { containers: [container], ...spec } };
}

describe("the subresources of a pod's spec", () => {
  const original = pod({
    initContainers: [{ name: "init", image: "x:1" }],
    containers: [
      { ...container, resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "2", memory: "1Gi" } } },
    ],
    ephemeralContainers: [{ name: "debug", image: "busybox:1" }],
  });
  const spec = original["spec"] as Loose & { containers: Loose[]; initContainers: Loose[] };
  const resized = (resources: Loose, more: Loose = {}): Loose => ({
    spec: { ...spec, containers: [{ ...spec.containers[0], resources, ...more }] },
  });
  const debug = (change: Loose): Loose => ({
    spec: { ...spec, ephemeralContainers: [{ name: "debug", image: "busybox:1" }, change] },
  });
  const allowed = { requests: { cpu: "500m", memory: "2Gi" }, limits: { cpu: "3", memory: "3Gi" } };

  it("change their part, and nothing else", () => {
    const before = prepared(podKind, original);
    const change = (subresource: string, object: Loose): Pod => {
      const after = { ...prepared(podKind, object), metadata: { name: "x", labels: { changed: "yes" } } };
      podKind.strategy.prepareForUpdate?.(after, before, { nowMs: 0, subresource });
      return after;
    };
    const resources = change("resize", resized(allowed, { image: "other" }));
    expect(resources.spec.containers[0]).toMatchObject({ image: "nginx:1", resources: allowed });
    expect(resources.metadata.labels).toBeUndefined();
    const more = change("ephemeralcontainers", {
      spec: { ...(debug({ name: "b", image: "b" })["spec"] as Loose), nodeName: "n" },
    });
    expect(more.spec.ephemeralContainers).toHaveLength(2);
    expect({ ...more.spec, ephemeralContainers: [] }).toEqual({ ...before.spec, ephemeralContainers: [] });
  });

  it.each<[string, string, Loose, string[]]>([
    ["other amounts", "resize", resized(allowed), []],
    [
      "amounts that are gone",
      "resize",
      resized({ requests: { cpu: "1" } }),
      [
        "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
        "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
      ],
    ],
    [
      "other resources",
      "resize",
      resized({ ...allowed, limits: { ...allowed.limits, "ephemeral-storage": "1Gi" } }),
      ["spec: Forbidden: only cpu and memory resources are mutable"],
    ],
    [
      "another container",
      "resize",
      { spec: { ...spec, containers: [{ ...spec.containers[0], name: "d" }] } },
      ["spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize"],
    ],
    [
      "one container more",
      "resize",
      { spec: { ...spec, initContainers: [] } },
      ["spec.initContainers: Forbidden: initContainers may not be added or removed on resize"],
    ],
    [
      "what runs and ends",
      "resize",
      { spec: { ...spec, initContainers: [{ ...spec.initContainers[0], resources: { limits: { cpu: "1" } } }] } },
      ["spec: Forbidden: resources for non-sidecar init containers are immutable"],
    ],
    ["one more to look inside", "ephemeralcontainers", debug({ name: "more", image: "busybox:1" }), []],
    [
      "none to look inside",
      "ephemeralcontainers",
      { spec: { ...spec, ephemeralContainers: [] } },
      ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n'],
    ],
    [
      "another image to look inside",
      "ephemeralcontainers",
      { spec: { ...spec, ephemeralContainers: [{ name: "debug", image: "other:1" }] } },
      ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n'],
    ],
  ])("%s", (_, subresource, now, faults) => {
    expect(updateFaults(podKind, { now, old: original, subresource })).toEqual(faults);
  });

  it("the class of service stays", () => {
    const old = pod({ containers: spec.containers });
    const now = pod({ containers: [{ ...container, resources: { ...allowed, requests: allowed.limits } }] });
    expect(updateFaults(podKind, { now, old, subresource: "resize" })).toEqual([
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ]);
  });

  it("an ephemeral container is not for what the pod lives on", () => {
    const odd = {
      name: container.name,
      targetContainerName: "gone",
      image: "x",
      ports: [{ containerPort: 1 }],
      livenessProbe: {},
      volumeMounts: [{ name: "v", mountPath: "/x", subPath: "a" }],
    };
    const at = "spec.ephemeralContainers[0]";
    const why = "Forbidden: cannot be set for an Ephemeral Container";
    expect(faultsOf(podKind, pod({ volumes: [{ name: "v" }], ephemeralContainers: [odd] }))).toEqual([
      `${at}.name: Duplicate value: "${container.name}"`,
      `${at}.targetContainerName: Not found: "gone"`,
      `${at}.ports: ${why}`,
      `${at}.livenessProbe: ${why}`,
      `${at}.volumeMounts[0].subPath: ${why}`,
      "spec.ephemeralContainers: Forbidden: cannot be set on create",
    ]);
  });
});
