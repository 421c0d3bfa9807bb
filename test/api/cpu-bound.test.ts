/**
 * Requests that are made to cost (test/harness/hostile): each is answered, as it should be, and never with a 5xx. Where the runtime tells
 * the time of the CPU, none may cost much more than an honest request that holds as much as an object may: whatever is not
 * linear costs a hundred times as much. `npm run bench -- bad-input` prints the milliseconds.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { HOSTILE_REQUESTS, TARGETS } from "../harness/hostile/index.ts";
import { testRuntime } from "../harness/test-runtime.ts";

/** Of the CPU time of the honest request. The costliest takes about three times as much. */
const COST_RATIO_MAX = 10;
const TRIES = 4;

let api: TestCluster;
/** Undefined where nobody knows. */
let honestMs: number | undefined;
beforeAll(async () => {
  api = await createTestCluster();
  for (const { path, body } of TARGETS) await api.call(path, { method: "POST", body });
  for (let at = 0; at < 50; at += 1) await send(HONEST_PATH, { method: "POST", body: map({ a: "1" }) });
  const data = Object.fromEntries(Array.from({ length: 9_900 }, (_, at) => [`k${at}`, "v"]));
  honestMs = await leastMs(HONEST_PATH, { method: "POST", body: map(data) });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const HONEST_PATH = "/api/v1/namespaces/default/configmaps?dryRun=All";
const map = (data: object): object => ({ metadata: { name: "honest" }, data });

async function send(path: string, init: TestRequest): Promise<{ status: number; cpuMs: number | undefined }> {
  const beforeMs = testRuntime.cpuMs?.();
  const response = await api.fetch(path, init);
  await response.text();
  const afterMs = testRuntime.cpuMs?.();
  const cpuMs = beforeMs === undefined || afterMs === undefined ? undefined : afterMs - beforeMs;
  return { status: response.status, cpuMs };
}

/** Of several tries, until one is below `enough`. */
async function leastMs(path: string, init: TestRequest, enough = 0): Promise<number | undefined> {
  let least: number | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { cpuMs } = await send(path, init);
    if (cpuMs === undefined) return undefined;
    least = Math.min(least ?? cpuMs, cpuMs);
    if (least <= enough) break;
  }
  return least;
}

describe("requests that are made to cost", () => {
  it.each(HOSTILE_REQUESTS.map((request) => [request.name, request] as const))("%s", async (_name, request) => {
    const init = request.init();
    const { status, cpuMs } = await send(request.path, init);
    expect(status).toBe(request.status);
    if (cpuMs === undefined || honestMs === undefined) return;
    const boundMs = honestMs * COST_RATIO_MAX;
    const costMs = cpuMs <= boundMs ? cpuMs : await leastMs(request.path, init, boundMs);
    expect((costMs ?? 0) / honestMs, "times the honest request").toBeLessThan(COST_RATIO_MAX);
  });
});
