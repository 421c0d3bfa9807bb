/**
 * Two tenants on one host. Whatever the one asks about what is the other's, with any of its credentials, is answered as if that had never
 * been: the same status, headers and text as for an id that nobody has.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../src/accounts/secrets.ts";
import {
  bearer,
  callerOf,
  createTestAccounts,
  signUpWithOrganisation,
  type Answer,
  type Caller,
  type TestAccounts,
} from "../harness/accounts.ts";
import { createDice, type Dice } from "../harness/seeded.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const TRIES = 10_000;
const AT_ONCE = 8;
const SEED = 20_260_101;
/** In every object of the other tenant. */
const MARK = "belongs-to-the-other";

interface Tenant {
  session: Caller;
  ids: Ids;
  /** By what they are. */
  credentials: Record<string, Record<string, string>>;
  /** Of a list of configmaps. */
  continue: string;
  resourceVersion: string;
  joinToken: string;
  invitation: string;
}

type Ids = Record<"organisation" | "cluster" | "token" | "robot" | "invitation" | "person", string>;

interface Ask {
  method: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

async function settle(accounts: TestAccounts, name: string): Promise<Tenant> {
  const { person, organisation } = await signUpWithOrganisation(accounts, name);
  const make = async (path: string, body: object) => {
    const made = await person.call("POST", path, body);
    if (made.status !== 201) throw new Error(`${path}: ${made.text}`);
    return made.body;
  };
  const cluster = (await make("/v1/clusters", { name: `${name}-${MARK}`, organisation }))["id"] ?? "";
  const own = await make("/v1/tokens", { name: MARK, role: "owner" });
  const robot = await make(`/v1/organisations/${organisation}/tokens`, { name: MARK, role: "owner" });
  const ofCluster = await make(`/v1/clusters/${cluster}/tokens`, { name: MARK, role: "owner" });
  const invitation = await make(`/v1/organisations/${organisation}/invitations`, {
    email: `${MARK}@example.test`,
    role: "viewer",
  });
  const kubectl = callerOf(accounts.fetch, bearer(own["token"]));
  const core = `/clusters/${cluster}/api/v1/namespaces/default`;
  for (const one of ["a", "b"])
    await kubectl.call("POST", `${core}/configmaps`, { metadata: { name: `${MARK}-${one}` }, data: { name } });
  const page = await kubectl.call<{ metadata: { continue: string; resourceVersion: string } }>(
    "GET",
    `${core}/configmaps?limit=1`,
  );
  const account = await kubectl.call<{ status: { token: string } }>("POST", `${core}/serviceaccounts/default/token`, {
    spec: {},
  });
  const tokenId = name.padEnd(6, "x").slice(0, 6);
  const joinToken = `${tokenId}.0123456789abcdef`;
  await kubectl.call("POST", `/clusters/${cluster}/api/v1/namespaces/kube-system/secrets`, {
    metadata: { name: `bootstrap-token-${tokenId}` },
    type: "bootstrap.kubernetes.io/token",
    stringData: { "token-id": tokenId, "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true" },
  });
  return {
    session: person,
    ids: {
      organisation,
      cluster,
      token: own["id"] ?? "",
      robot: robot["id"] ?? "",
      invitation: invitation["id"] ?? "",
      person: person.id,
    },
    credentials: {
      session: { cookie: person.cookie, origin: "https://gantry.test" },
      token: bearer(own["token"]),
      robot: bearer(robot["token"]),
      "token of a cluster": bearer(ofCluster["token"]),
      "service account": bearer(account.body.status.token),
      "join token": bearer(joinToken),
      nonsense: bearer("nonsense"),
      nothing: {},
    },
    continue: page.body.metadata.continue,
    resourceVersion: page.body.metadata.resourceVersion,
    joinToken,
    invitation: invitation["secret"] ?? "",
  };
}

/** Every route of /v1 that names something of somebody, as the document tells of them, with bodies that name it too. */
async function accountAsks(accounts: TestAccounts): Promise<((ids: Ids) => Ask)[]> {
  const { body } = await callerOf(accounts.fetch, {}).call<{ paths: Record<string, Record<string, object>> }>(
    "GET",
    "/v1/openapi.json",
  );
  const asks: ((ids: Ids) => Ask)[] = [];
  for (const [path, methods] of Object.entries(body.paths)) {
    if (!path.includes("{")) continue;
    const at = (ids: Ids): string => path.replaceAll(/\{(\w+)\}/g, (_, name: keyof Ids) => ids[name]);
    for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
      const bodies: object[] =
        method === "GET" || method === "DELETE"
          ? []
          : [{ name: "x", role: "viewer" }, { name: "x" }, { role: "viewer" }, { to: "2026-01-01T00:00:00Z" }, {}];
      if (bodies.length === 0)
        asks.push(
          (ids) => ({ method, path: at(ids) }),
          (ids) => ({ method, path: `${at(ids)}?limit=1&confirm=${MARK}` }),
        );
      for (const one of bodies) asks.push((ids) => ({ method, path: at(ids), body: one }));
    }
  }
  return [
    ...asks,
    ({ organisation }) => ({ method: "GET", path: `/v1/clusters?organisation=${organisation}` }),
    ({ organisation }) => ({ method: "POST", path: "/v1/clusters", body: { name: "x", organisation } }),
    ({ organisation }) => ({ method: "POST", path: "/v1/tokens", body: { name: "x", role: "owner", organisation } }),
    ({ cluster }) => ({ method: "POST", path: "/v1/tokens", body: { name: "x", role: "owner", cluster } }),
    ({ robot }) => ({ method: "DELETE", path: `/v1/tokens/${robot}` }),
  ];
}

/** Every resource that the cluster of the one serves, every other path, and the agents' API, in the cluster of the other. */
async function clusterAsks(
  accounts: TestAccounts,
  { ids, credentials }: Tenant,
): Promise<((cluster: string, other: Tenant) => Ask)[]> {
  const kubectl = callerOf(accounts.fetch, credentials["token"] ?? {});
  const index = await kubectl.call<{ paths: string[] }>("GET", `/clusters/${ids.cluster}/`);
  const asks: ((cluster: string, other: Tenant) => Ask)[] = [];
  const add = (method: string, path: string, more: Omit<Ask, "method" | "path"> = {}): void =>
    void asks.push((cluster) => ({ method, path: `/clusters/${cluster}${path}`, ...more }));
  for (const path of index.body.paths) {
    add("GET", path);
    const found = await kubectl.call<{ resources?: { name: string; namespaced: boolean }[] }>(
      "GET",
      `/clusters/${ids.cluster}${path}`,
    );
    for (const { name: resource, namespaced } of found.body?.resources ?? []) {
      const [plural = "", ...sub] = resource.split("/");
      const collection = `${path}${namespaced ? "/namespaces/default" : ""}/${plural}`;
      const object = [collection, `${MARK}-a`, ...sub].join("/");
      for (const method of ["GET", "PUT", "PATCH", "DELETE", "POST"])
        add(method, object, method === "GET" || method === "DELETE" ? {} : { body: {} });
      if (sub.length > 0) continue;
      add("GET", collection);
      add("POST", collection, { body: { metadata: { name: "x" } } });
      add("DELETE", collection);
      asks.push(
        (cluster, { resourceVersion }) => ({
          method: "GET",
          path: `/clusters/${cluster}${collection}?watch=true&timeoutSeconds=1&resourceVersion=${resourceVersion}`,
        }),
        (cluster, other) => ({
          method: "GET",
          path: `/clusters/${cluster}${collection}?limit=1&continue=${other.continue}`,
        }),
      );
    }
  }
  for (const path of ["join", "renew", "sync", "ca", "nothing"]) add("POST", `/agent/v1/${path}`, { body: {} });
  for (const path of ["ca", "tunnel", "streams/abc?ticket=x"])
    add("GET", `/agent/v1/${path}`, { headers: { upgrade: "websocket", connection: "upgrade" } });
  for (const path of ["", "/", "/nothing", "//", "/..;/v1/me"]) add("GET", path);
  add("OPTIONS", "/api/v1");
  return asks;
}

/** What of an answer may tell anything, without what is new in each. */
function told({ status, headers, text }: Answer<unknown>, ids: readonly string[]): string {
  const shown = [...headers]
    .filter(([name]) => !["audit-id", "date"].includes(name) && !name.startsWith("ratelimit-"))
    .map(([name, value]) => `${name}: ${value}`);
  let all = `${status}\n${shown.join("\n")}\n${text}`;
  for (const id of ids) all = all.replaceAll(id, "<id>");
  return all;
}

/** Ids of the same kinds that nobody has. */
function nobodys(): Ids {
  const { random: dice } = testRuntime.createPlatform();
  return {
    organisation: newId(dice, "org"),
    cluster: newId(dice, "cl"),
    token: newId(dice, "tok"),
    robot: newId(dice, "tok"),
    invitation: newId(dice, "inv"),
    person: dice.uuid(),
  };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<string | undefined>): Promise<string[]> {
  const failures: string[] = [];
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      const failure = await work(item);
      if (failure !== undefined) failures.push(failure);
      if (failures.length > 5) return;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failures;
}

describe.skipIf(testRuntime.missing !== undefined)("a tenant learns nothing of another", () => {
  let accounts: TestAccounts;
  let ours: Tenant;
  let theirs: Tenant;
  let chance: Dice;
  beforeAll(async () => {
    accounts = await createTestAccounts();
    ours = await settle(accounts, "ours");
    theirs = await settle(accounts, "theirs");
    chance = createDice(SEED);
  }, 60_000);
  afterAll(() => accounts.stop());

  async function compare(
    credential: string,
    foreign: Ask,
    missing: Ask,
    ids: { foreign: Ids; missing: Ids },
  ): Promise<string | undefined> {
    const caller = callerOf(accounts.fetch, ours.credentials[credential] ?? {});
    const ask = async (asked: Ask, of: Ids): Promise<string> =>
      told(await caller.call(asked.method, asked.path, asked.body, asked.headers), Object.values(of));
    const [a, b] = [await ask(foreign, ids.foreign), await ask(missing, ids.missing)];
    const what = `${credential}: ${foreign.method} ${foreign.path} ${JSON.stringify(foreign.body)}`;
    if (a !== b) return `${what}\n--- theirs\n${a}\n--- nobody's\n${b}`;
    if (a.includes(MARK) && !foreign.path.includes(MARK)) return `${what} tells of what is there:\n${a}`;
    const status = Number(a.slice(0, 3));
    return status < 400 || status >= 500 ? `${what} is answered with ${status}:\n${a}` : undefined;
  }

  test(`in ${TRIES} tries, seed ${SEED}`, { timeout: 300_000 }, async () => {
    const accountsAsked = await accountAsks(accounts);
    const clustersAsked = await clusterAsks(accounts, ours);
    const credentials = Object.keys(ours.credentials);
    // Each once with each credential that could be of use, and the rest by chance.
    const all: (() => [string, Ask, Ask, { foreign: Ids; missing: Ids }])[] = [];
    const add = (credential: string, at: number): void =>
      void all.push(() => {
        const missing = nobodys();
        const ids = { foreign: theirs.ids, missing };
        const ofAccounts = accountsAsked[at];
        if (ofAccounts) return [credential, ofAccounts(theirs.ids), ofAccounts(missing), ids];
        const ask = clustersAsked[at - accountsAsked.length] ?? chance.pick(clustersAsked);
        return [credential, ask(theirs.ids.cluster, theirs), ask(missing.cluster, theirs), ids];
      });
    const count = accountsAsked.length + clustersAsked.length;
    for (const credential of ["session", "token", "robot"])
      for (let at = 0; at < accountsAsked.length; at++) add(credential, at);
    for (let at = accountsAsked.length; at < count; at++) add("token", at);
    while (all.length < TRIES) add(chance.pick(credentials), chance.roll(count));
    const failures = await inParallel(all, (next) => compare(...next()));
    expect(failures.slice(0, 5)).toEqual([]);
    expect(accounts.errors).toEqual([]);
  });

  test("what is theirs is there still, and theirs", async () => {
    const { ids, session } = theirs;
    const cluster = await session.call("GET", `/v1/clusters/${ids.cluster}`);
    expect(cluster.body).toMatchObject({ name: `theirs-${MARK}`, state: "ready" });
    const tokens = await session.call<{ items: object[] }>("GET", `/v1/organisations/${ids.organisation}/tokens`);
    expect(tokens.body.items).toHaveLength(1);
    const members = await session.call<{ items: object[] }>("GET", `/v1/organisations/${ids.organisation}/members`);
    expect(members.body.items).toHaveLength(1);
    const kubectl = callerOf(accounts.fetch, theirs.credentials["token"] ?? {});
    const maps = await kubectl.call<{ items: { metadata: { name: string } }[] }>(
      "GET",
      `/clusters/${ids.cluster}/api/v1/namespaces/default/configmaps`,
    );
    const names = maps.body.items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith(MARK));
    expect(names).toEqual([`${MARK}-a`, `${MARK}-b`]);
  });

  test("their continue tokens and revisions show ours alone", async () => {
    const kubectl = callerOf(accounts.fetch, ours.credentials["token"] ?? {});
    const base = `/clusters/${ours.ids.cluster}/api/v1/namespaces/default/configmaps`;
    for (const query of [
      `limit=5&continue=${theirs.continue}`,
      `resourceVersion=${theirs.resourceVersion}&resourceVersionMatch=Exact`,
      `watch=true&timeoutSeconds=1&resourceVersion=${Number(theirs.resourceVersion) - 5}`,
    ]) {
      const answer = await kubectl.call("GET", `${base}?${query}`);
      expect(answer.text, query).not.toContain('"name":"theirs"');
    }
  });

  test("their invitation is none to us", async () => {
    const [real, invented] = [theirs.invitation, `gtryinv_${"A".repeat(43)}`];
    const answers = await Promise.all(
      [real, invented].map((secret) => ours.session.call("POST", "/v1/invitations/accept", { secret })),
    );
    expect(answers.map((answer) => told(answer, []))).toEqual([
      told(answers[0] as Answer<unknown>, []),
      told(answers[0] as Answer<unknown>, []),
    ]);
    expect(answers[0]?.status).toBe(404);
  });

  test("a token of theirs is worth nothing here, and theirs of a service account neither", async () => {
    for (const [credential, headers] of Object.entries(theirs.credentials)) {
      const caller = callerOf(accounts.fetch, headers);
      const answer = await caller.call("GET", `/clusters/${ours.ids.cluster}/api/v1/namespaces`);
      expect([401, 403], credential).toContain(answer.status);
    }
  });
});
