/** What happens when containers end, as the whole agent does it. */
import { writeFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { createBench, fullState, makePod, type Bench } from "./agent-bench.ts";
import type { Container, Pod } from "./pod.ts";

let bench: Bench;
afterEach(async () => bench.end());

/** Seconds since the test began at which something was done at the engine. */
function times(call: string): number[] {
  const beginMs = Date.parse("2026-11-24T00:00:00Z");
  return bench.calls.filter((c) => c.call === call).map((c) => Math.round((c.atMs - beginMs) / 1000));
}

async function run(pod: Pod, changes: Parameters<typeof fullState>[0] = {}): Promise<void> {
  bench.agent.apply(fullState({ pods: [pod], ...changes }));
  await bench.pass(0);
}

describe("containers that end", () => {
  test("a crashing one restarts at once, then after 10, 20, 40 … 300 seconds", async () => {
    bench = await createBench();
    await run(makePod());
    for (let i = 0; i < 8; i++) {
      bench.exit("app", 1);
      const before = times("startContainer").length;
      while (times("startContainer").length === before) await bench.pass(500);
    }
    const starts = times("startContainer");
    const gaps = starts.slice(1).map((at, i) => at - (starts[i] ?? 0));
    // Each crash is seen within a second.
    for (const [i, expected] of [0, 10, 20, 40, 80, 160, 300, 300].entries()) {
      expect(gaps[i]).toBeGreaterThanOrEqual(expected);
      expect(gaps[i]).toBeLessThanOrEqual(expected + 2);
    }
    expect(bench.status().containerStatuses?.[0]?.restartCount).toBe(8);
  });

  test("one that ran for ten minutes starts with a fresh back-off", async () => {
    bench = await createBench();
    await run(makePod());
    for (const runsMs of [0, 15_000, 15_000]) {
      await bench.pass(runsMs);
      bench.exit("app", 1);
      await bench.pass(45_000);
    }
    await bench.pass(700_000);
    bench.exit("app", 1);
    await bench.pass(2_000);
    expect(bench.running()).toEqual(["app"]);
  });

  test("while it waits it says so, with what happened last", async () => {
    bench = await createBench();
    await run(makePod());
    bench.exit("app", 3);
    await bench.pass(2_000);
    bench.exit("app", 3);
    await bench.pass(2_000);
    const status = bench.status();
    expect(status.phase).toBe("Running");
    expect(status.containerStatuses?.[0]).toMatchObject({
      ready: false,
      restartCount: 1,
      state: {
        waiting: {
          reason: "CrashLoopBackOff",
          message: "back-off 10s restarting failed container=app pod=web_default(u1)",
        },
      },
      lastState: { terminated: { exitCode: 3, reason: "Error" } },
    });
    expect(status.conditions?.find((c) => c.type === "Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [app]",
    });
    expect(bench.events.filter((e) => e.reason === "BackOff").map((e) => e.message)).toEqual([
      "Back-off restarting failed container app in pod web_default(u1)",
    ]);
  });

  test.each([
    ["Never", 0, "Succeeded"],
    ["Never", 1, "Failed"],
    ["OnFailure", 0, "Succeeded"],
  ] as const)(
    "with restartPolicy %s and exit code %i the pod is %s, for good",
    async (restartPolicy, exitCode, phase) => {
      bench = await createBench();
      await run(makePod({ restartPolicy }));
      bench.exit("app", exitCode);
      await bench.pass(5_000);
      const status = bench.status();
      expect(status.phase).toBe(phase);
      expect(status.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode });
      expect(status.conditions?.find((c) => c.type === "Ready")?.reason).toBe(
        phase === "Failed" ? "PodFailed" : "PodCompleted",
      );
      await bench.accept();
      await bench.restart();
      await bench.pass(600_000);
      expect(times("startContainer")).toHaveLength(1);
      expect(bench.deleted).toEqual([]);
    },
  );

  test("with OnFailure a failed one runs again", async () => {
    bench = await createBench();
    await run(makePod({ restartPolicy: "OnFailure" }));
    bench.exit("app", 1);
    await bench.pass(2_000);
    expect(bench.running()).toEqual(["app"]);
  });

  test("leave their termination message, and at most one dead attempt", async () => {
    bench = await createBench();
    await run(makePod());
    const mount = bench.config("app", 0)?.mounts.find((m) => m.containerPath === "/dev/termination-log");
    await writeFile(mount?.hostPath ?? "", "out of cheese");
    bench.exit("app", 1);
    await bench.pass(2_000);
    expect(bench.status().containerStatuses?.[0]?.lastState.terminated?.message).toBe("out of cheese");
    for (let i = 0; i < 3; i++) {
      bench.exit("app", 1);
      await bench.pass(400_000);
    }
    expect((await bench.engine.listContainers()).map((c) => c.attempt)).toEqual([3, 4]);
  });

  test("a lost sandbox is made again, and everything in it", async () => {
    bench = await createBench();
    await run(makePod({ initContainers: [{ name: "init", image: "init:1" }] }));
    bench.exit("init", 0);
    await bench.pass(2_000);
    await bench.loseSandboxes();
    await bench.pass(2_000);
    bench.exit("init", 0);
    await bench.pass(2_000);
    expect(bench.calls.filter((c) => c.call === "runSandbox").map((c) => c.subject)).toEqual(["web/0", "web/1"]);
    expect(bench.running()).toEqual(["app"]);
    expect(bench.status().podIP).not.toBe("10.88.0.3");
  });

  test("activeDeadlineSeconds ends the pod", async () => {
    bench = await createBench();
    await run(makePod({ activeDeadlineSeconds: 30 }));
    await bench.pass(29_000);
    expect(bench.running()).toEqual(["app"]);
    await bench.pass(3_000);
    expect(bench.status()).toMatchObject({
      phase: "Failed",
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    });
    expect(bench.running()).toEqual([]);
  });
});

describe("init containers and sidecars", () => {
  test("run in order, each to its end, before the rest", async () => {
    bench = await createBench();
    await run(
      makePod({
        initContainers: [
          { name: "one", image: "init:1" },
          { name: "two", image: "init:1" },
        ],
      }),
    );
    expect(bench.running()).toEqual(["one"]);
    const status = bench.status();
    expect(status.phase).toBe("Pending");
    expect(status.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: "PodInitializing" } });
    expect(status.conditions?.find((c) => c.type === "Initialized")).toMatchObject({
      status: "False",
      reason: "ContainersNotInitialized",
      message: "containers with incomplete status: [one two]",
    });
    bench.exit("one", 0);
    await bench.pass(1_500);
    expect(bench.running()).toEqual(["two"]);
    bench.exit("two", 0);
    await bench.pass(1_500);
    expect(bench.running()).toEqual(["app"]);
    expect(bench.status().initContainerStatuses?.map((s) => s.ready)).toEqual([true, true]);
  });

  test("a failing one ends a pod that never restarts", async () => {
    bench = await createBench();
    await run(makePod({ restartPolicy: "Never", initContainers: [{ name: "one", image: "init:1" }] }));
    bench.exit("one", 1);
    await bench.pass(2_000);
    expect(bench.status().phase).toBe("Failed");
    expect(times("startContainer")).toHaveLength(1);
  });

  test("a sidecar runs on beside the others and is stopped after them", async () => {
    bench = await createBench();
    const sidecar: Container = { name: "side", image: "sidecar:1", restartPolicy: "Always" };
    await run(makePod({ restartPolicy: "Never", initContainers: [sidecar] }));
    expect(bench.running()).toEqual(["side", "app"]);
    bench.exit("app", 0);
    await bench.pass(3_000);
    expect(bench.running()).toEqual([]);
    expect(bench.status().phase).toBe("Succeeded");
  });
});
