/** How a pod goes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
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

const dying = (graceSeconds: number, resourceVersion: string, spec: Parameters<typeof makePod>[0] = {}): Pod =>
  makePod(spec, {
    resourceVersion,
    deletionTimestamp: "2026-11-24T00:00:30Z",
    deletionGracePeriodSeconds: graceSeconds,
  });

describe("deletion", () => {
  test("stops, reports the end, and only then has the pod removed", async () => {
    bench = await createBench();
    await run(makePod());
    await bench.accept();
    await bench.send({ pods: [dying(30, "2")] });
    await bench.pass(2_000);
    expect(bench.calls.filter((c) => c.call === "stopContainer").map((c) => c.subject)).toEqual(["app/30"]);
    expect(bench.status()).toMatchObject({
      phase: "Failed",
      containerStatuses: [{ state: { terminated: { exitCode: 143 } } }],
    });
    expect(bench.deleted).toEqual([]);
    await bench.accept();
    expect(bench.deleted).toEqual(["web"]);
    await bench.send({ removedPods: [{ namespace: "default", name: "web", uid: "u1" }] });
    await bench.pass(1_000);
    expect([await bench.engine.listContainers(), await bench.engine.listSandboxes()]).toEqual([[], []]);
    expect(bench.agent.pendingStatuses()).toEqual([]);
    await expect(readFile(join(bench.directory, "pods", "u1", "record.json"))).rejects.toThrow("ENOENT");
  });

  test("waits out the grace period, which a second delete may shorten", async () => {
    bench = await createBench();
    const spec = { containers: [{ ...app, command: ["ignore-term"] }] };
    await run(makePod(spec));
    await bench.send({ pods: [dying(30, "2", spec)] });
    await bench.pass(5_000);
    expect(bench.running()).toEqual(["app"]);
    await bench.send({ pods: [dying(2, "3", spec)] });
    await bench.pass(3_000);
    expect(bench.running()).toEqual([]);
    expect(bench.calls.filter((c) => c.call === "stopContainer").map((c) => c.subject)).toEqual(["app/30", "app/2"]);
  });

  test("runs preStop first, within the grace period", async () => {
    bench = await createBench();
    const lifecycle = { preStop: { sleep: { seconds: 10 } } };
    await run(makePod({ containers: [{ ...app, lifecycle }] }));
    await bench.send({ pods: [dying(30, "2", { containers: [{ ...app, lifecycle }] })] });
    await bench.pass(9_000);
    expect(times("stopContainer")).toEqual([]);
    await bench.pass(2_000);
    expect(bench.calls.filter((c) => c.call === "stopContainer").map((c) => c.subject)).toEqual(["app/20"]);
  });

  test("a pod that is gone from the control plane is killed at once", async () => {
    bench = await createBench();
    await run(makePod());
    await bench.send({ removedPods: [{ namespace: "default", name: "web", uid: "u1" }] });
    await bench.pass(1_000);
    expect(bench.calls.find((c) => c.call === "stopContainer")?.subject).toBe("app/0");
    expect(await bench.engine.listSandboxes()).toEqual([]);
    expect(bench.deleted).toEqual([]);
  });

  test("does not wait for an image that is being pulled", async () => {
    bench = await createBench();
    const pull = Promise.withResolvers<string>();
    bench.engine.pullImage = () => pull.promise;
    await run(makePod());
    await bench.send({ pods: [dying(30, "2")] });
    await bench.pass(2_000);
    await bench.accept();
    expect(bench.deleted).toEqual(["web"]);
    pull.resolve("sha256:late");
    await bench.pass(2_000);
    expect(times("createContainer")).toEqual([]);
  });
});
