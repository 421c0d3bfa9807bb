/** What containers need before they run and are ready: images, configuration, probes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { createBench, fullState, makePod, type Bench } from "./agent-bench.ts";
import type { Container, Pod } from "./pod.ts";

let bench: Bench;
afterEach(async () => bench.end());

const app: Container = { name: "app", image: "app:1" };

/** Seconds since the test began at which something was done at the engine. */
function times(call: string): number[] {
  const beginMs = Date.parse("2026-11-24T00:00:00Z");
  return bench.calls.filter((c) => c.call === call).map((c) => Math.round((c.atMs - beginMs) / 1000));
}

async function run(pod: Pod, changes: Parameters<typeof fullState>[0] = {}): Promise<void> {
  bench.agent.apply(fullState({ pods: [pod], ...changes }));
  await bench.pass(0);
}

function configMap(name: string, data: Record<string, string>, resourceVersion = "1"): KubeObject {
  return { metadata: { namespace: "default", name, resourceVersion }, data };
}

const env = (optional?: boolean): Container => ({
  ...app,
  env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "conf", key: "a", ...(optional ? { optional } : {}) } } }],
});

const probed = (probe: Partial<Container>): Pod => makePod({ containers: [{ ...app, ...probe }] });

describe("images", () => {
  test("a missing one is ErrImagePull, then ImagePullBackOff, with growing delays", async () => {
    bench = await createBench();
    await run(makePod({ containers: [{ name: "app", image: "nope:1" }] }));
    expect(bench.status().containerStatuses?.[0]?.state.waiting).toEqual({
      reason: "ErrImagePull",
      message: "nope:1: not found",
    });
    await bench.pass(2_000);
    expect(bench.status().containerStatuses?.[0]?.state.waiting).toEqual({
      reason: "ImagePullBackOff",
      message: 'Back-off pulling image "nope:1": ErrImagePull: nope:1: not found',
    });
    await bench.pass(80_000);
    expect(times("pullImage")).toEqual([0, 10, 30, 70]);
    bench.engine.unpullable.clear();
    await bench.pass(80_000);
    expect(bench.status().phase).toBe("Running");
  });

  test("with policy Never a missing image is said, and nothing pulled", async () => {
    bench = await createBench();
    await run(makePod({ containers: [{ ...app, imagePullPolicy: "Never" }] }));
    expect(bench.status().containerStatuses?.[0]?.state.waiting).toEqual({
      reason: "ErrImageNeverPull",
      message: 'Container image "app:1" is not present with pull policy of Never',
    });
    expect(times("pullImage")).toEqual([]);
  });

  test("an image changed in place restarts the container with it", async () => {
    bench = await createBench();
    await run(makePod());
    await bench.send({
      pods: [makePod({ containers: [{ name: "app", image: "app:2" }] }, { resourceVersion: "2", generation: 2 })],
    });
    await bench.pass(2_000);
    expect(bench.config("app", 1)?.image).toBe("app:2");
    expect(bench.status()).toMatchObject({
      observedGeneration: 2,
      containerStatuses: [{ restartCount: 1, image: "app:2" }],
    });
  });
});

describe("configuration", () => {
  test("a missing ConfigMap holds the container up until it appears", async () => {
    bench = await createBench();
    await run(makePod({ containers: [env()] }));
    const waiting = () => bench.status().containerStatuses?.[0]?.state.waiting;
    expect(waiting()).toEqual({ reason: "CreateContainerConfigError", message: 'configmap "conf" not found' });
    await bench.send({ configMaps: [configMap("conf", { b: "1" })] });
    await bench.pass(100);
    expect(waiting()).toEqual({
      reason: "CreateContainerConfigError",
      message: "couldn't find key a in ConfigMap default/conf",
    });
    await bench.send({ configMaps: [configMap("conf", { a: "1" }, "2")] });
    await bench.pass(100);
    expect(bench.status().phase).toBe("Running");
    expect(bench.config("app", 0)?.env).toContainEqual({ name: "A", value: "1" });
  });

  test("an optional one does not", async () => {
    bench = await createBench();
    await run(makePod({ containers: [env(true)] }));
    expect(bench.status().phase).toBe("Running");
  });

  test("what pods refer to is held and asked for, and dropped with them", async () => {
    bench = await createBench();
    await run(makePod({ containers: [env(true)] }), {
      configMaps: [configMap("conf", { a: "1" }), configMap("other", {})],
    });
    expect(bench.agent.holds().configMaps).toEqual([{ namespace: "default", name: "conf" }]);
    expect(bench.agent.interest()).toEqual({ secrets: [], configMaps: ["default/conf"] });
    await bench.send({ removedPods: [{ namespace: "default", name: "web", uid: "u1" }] });
    expect(bench.agent.holds().configMaps).toEqual([]);
  });

  test("volumes follow their ConfigMap, tokens are renewed at 80 % of their life", async () => {
    bench = await createBench();
    const pod = makePod({
      containers: [
        {
          ...app,
          volumeMounts: [
            { name: "conf", mountPath: "/conf" },
            { name: "api", mountPath: "/api" },
          ],
        },
      ],
      volumes: [
        { name: "conf", configMap: { name: "conf" } },
        { name: "api", projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 1000 } }] } },
      ],
    });
    await run(pod);
    await bench.pass(1_000);
    expect(bench.running()).toEqual([]);
    expect(bench.events.at(-1)).toMatchObject({
      reason: "FailedMount",
      message: 'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found',
    });
    await bench.send({ configMaps: [configMap("conf", { a: "1" })] });
    await bench.pass(100);
    const mounts = bench.config("app", 0)?.mounts ?? [];
    const file = (at: string, name: string) =>
      readFile(join(mounts.find((m) => m.containerPath === at)?.hostPath ?? "", name), "utf8");
    expect(await file("/conf", "a")).toBe("1");
    const first = await file("/api", "token");
    await bench.send({ configMaps: [configMap("conf", { a: "2" }, "2")] });
    await bench.pass(2_000);
    expect(await file("/conf", "a")).toBe("2");
    await bench.pass(750_000);
    expect(await file("/api", "token")).toBe(first);
    await bench.pass(60_000);
    expect(await file("/api", "token")).not.toBe(first);
  });
});

describe("probes", () => {
  const exec = { exec: { command: ["check"] }, periodSeconds: 5 };

  test("readiness decides over Ready, both ways", async () => {
    bench = await createBench();
    bench.engine.answers.set("check", { exitCode: 1, output: "not yet" });
    await run(probed({ readinessProbe: { ...exec, failureThreshold: 2 } }));
    await bench.pass(6_000);
    const ready = () => bench.status().conditions?.find((c) => c.type === "Ready")?.status;
    expect(ready()).toBe("False");
    expect(bench.events.at(-1)).toMatchObject({ reason: "Unhealthy", message: "Readiness probe failed: not yet" });
    bench.engine.answers.set("check", { exitCode: 0, output: "" });
    await bench.pass(6_000);
    expect(ready()).toBe("True");
    bench.engine.answers.set("check", { exitCode: 1, output: "" });
    await bench.pass(6_000);
    expect(ready()).toBe("True");
    await bench.pass(6_000);
    expect(ready()).toBe("False");
    expect(bench.running()).toEqual(["app"]);
  });

  test("a new agent does not make a ready pod unready", async () => {
    bench = await createBench();
    await run(probed({ readinessProbe: exec, startupProbe: exec }));
    await bench.pass(20_000);
    expect(bench.status().containerStatuses?.[0]?.ready).toBe(true);
    await bench.restart();
    expect(bench.status().containerStatuses?.[0]).toMatchObject({ ready: true, started: true });
    bench.engine.answers.set("check", { exitCode: 1, output: "" });
    await bench.pass(20_000);
    expect(bench.status().containerStatuses?.[0]?.ready).toBe(false);
  });

  test("a failing liveness probe restarts the container", async () => {
    bench = await createBench();
    bench.engine.answers.set("check", { exitCode: 1, output: "dead" });
    await run(probed({ livenessProbe: { ...exec, failureThreshold: 3, initialDelaySeconds: 10 } }));
    await bench.pass(19_000);
    expect(times("stopContainer")).toEqual([]);
    await bench.pass(3_000);
    expect(bench.events.filter((e) => e.reason === "Killing").map((e) => e.message)).toEqual([
      "Container app failed liveness probe, will be restarted",
    ]);
    expect(bench.status().containerStatuses?.[0]?.restartCount).toBe(1);
  });

  test("until the startup probe has passed nothing else is asked", async () => {
    bench = await createBench();
    bench.engine.answers.set("start", { exitCode: 1, output: "" });
    bench.engine.answers.set("check", { exitCode: 1, output: "" });
    const startupProbe = { exec: { command: ["start"] }, periodSeconds: 5, failureThreshold: 100 };
    await run(probed({ startupProbe, livenessProbe: { ...exec, failureThreshold: 1 } }));
    await bench.pass(60_000);
    expect(bench.status().containerStatuses?.[0]).toMatchObject({ started: false, ready: false, restartCount: 0 });
    bench.engine.answers.set("start", { exitCode: 0, output: "" });
    bench.engine.answers.set("check", { exitCode: 0, output: "" });
    await bench.pass(10_000);
    expect(bench.status().containerStatuses?.[0]).toMatchObject({ started: true, ready: true, restartCount: 0 });
  });
});
