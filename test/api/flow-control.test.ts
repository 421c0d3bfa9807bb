/** Priority and fairness by the stored flow schemas and levels: who floods the API waits for himself, not others for him. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Answer, TestCluster } from "../harness/cluster.ts";
import {
  as,
  createGatedCluster,
  levelOf,
  LEVELS,
  MAPS,
  SCHEMAS,
  SERVED_MAX,
  type GatedCluster,
} from "../harness/narrow-level.ts";
import { testRuntime } from "../harness/test-runtime.ts";

let gated: GatedCluster;
let cluster: TestCluster;

const uidOf = async (path: string) => (await cluster.call(path)).body.metadata.uid;
const flowOf = ({ headers }: Pick<Answer, "headers">) => [
  headers.get("x-kubernetes-pf-flowschema-uid"),
  headers.get("x-kubernetes-pf-prioritylevel-uid"),
];

describe.skipIf(testRuntime.missing !== undefined)("priority and fairness", () => {
  beforeEach(async () => {
    gated = await createGatedCluster({ viewers: ["noisy", "quiet"] });
    ({ cluster } = gated);
  });
  afterEach(() => gated.stop());

  test("answers and refusals name the schema and the level that judged them", async () => {
    const exempt = [await uidOf(`${SCHEMAS}/exempt`), await uidOf(`${LEVELS}/exempt`)];
    const probes = [await uidOf(`${SCHEMAS}/probes`), exempt[1]];
    const everybody = [await uidOf(`${SCHEMAS}/global-default`), await uidOf(`${LEVELS}/global-default`)];
    const headers = as("quiet");
    expect(flowOf(await cluster.call(MAPS))).toEqual(exempt);
    expect(flowOf(await cluster.call(`${MAPS}/a`, { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call(MAPS, { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call(`${MAPS}/none`, { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call("/api/v1/secrets", { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call("/version", { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call("/livez", { token: null }))).toEqual(probes);
  });

  test("a client that floods the API is turned away, and another is served before what it left waiting", async () => {
    const level = await gated.narrow();
    gated.close();
    const order: string[] = [];
    const ask = async (name: string): Promise<Answer> => {
      const answer = await cluster.call(`${MAPS}/a`, { headers: as(name) });
      if (answer.status === 200) order.push(name);
      return answer;
    };
    const flood = Array.from({ length: 40 }, () => ask("noisy"));
    const refused = await Promise.race(flood);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(refused.body).toMatchObject({ kind: "Status", reason: "TooManyRequests", code: 429 });
    expect(levelOf(refused)).toBe(level);
    const quiet = ask("quiet");
    // Masters are exempt: nothing of this is theirs.
    expect((await cluster.call("/api/v1/namespaces/default")).status).toBe(200);
    gated.open();
    expect((await quiet).status).toBe(200);
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(SERVED_MAX);
    expect(statuses.filter((status) => status === 429)).toHaveLength(40 - SERVED_MAX);
    expect(order.indexOf("quiet")).toBeLessThan(6);
  });

  test("a watch holds its seat no longer than until it begins", async () => {
    await gated.narrow();
    const headers = as("quiet");
    const watches: Response[] = [];
    for (let at = 0; at < 12; at++) watches.push(await cluster.fetch(`${MAPS}?watch=1`, { headers }));
    expect(watches.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
    expect((await cluster.call(`${MAPS}/a`, { headers })).status).toBe(200);
    for (const { body } of watches) await body?.cancel();
  });
});
