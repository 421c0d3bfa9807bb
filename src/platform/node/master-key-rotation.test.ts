/** `gantry rotate-keys --master` and the start after it: everything stays readable, and the old key is worth nothing then. */
import { access, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHttpsFetch } from "../../../agent/https-fetch.ts";
import { silentLog } from "../../../test/harness/silent-log.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { renewMasterKey } from "./data-folder.ts";
import { createNodePlatform } from "./platform.ts";

let data: string;
let plane: ControlPlane | undefined;
const platform = { ...createNodePlatform(), log: silentLog };
const file = (name: string): Promise<string> => readFile(join(data, name), "utf8");
const isThere = (name: string): Promise<boolean> =>
  access(join(data, name)).then(
    () => true,
    () => false,
  );

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "gantry-master-key-"));
});
afterEach(async () => {
  await plane?.stop();
  plane = undefined;
  await rm(data, { recursive: true, force: true });
});

async function start(): Promise<ControlPlane> {
  plane = await startControlPlane({ platform, data, host: "127.0.0.1", port: 0 });
  return plane;
}

async function stop(): Promise<void> {
  await plane?.stop();
  plane = undefined;
}

async function call(path: string, init: RequestInit): Promise<Response> {
  if (!plane) throw new Error("it does not run");
  const https = createHttpsFetch({ ca: plane.clusterCa });
  try {
    const headers = new Headers(init.headers);
    headers.set("content-type", "application/json");
    const answer = await https.fetch(new Request(plane.url + path, { ...init, headers }));
    return new Response(await answer.text(), { status: answer.status, headers: answer.headers });
  } finally {
    https.close();
  }
}

test("a Secret of the root and a cluster of somebody's are there after it; the old key opens neither", async () => {
  const { adminToken, clusterCa, url } = await start();
  const admin = { authorization: `Bearer ${adminToken}` };
  const secrets = "/api/v1/namespaces/default/secrets";
  const secret = JSON.stringify({ metadata: { name: "s" }, stringData: { password: "xyzzy" } });
  expect((await call(secrets, { method: "POST", headers: admin, body: secret })).status).toBe(201);
  const person = JSON.stringify({ name: "ada", email: "ada@example.test", password: "correct horse" });
  const origin = { origin: url };
  const signUp = await call("/v1/auth/sign-up/email", { method: "POST", headers: origin, body: person });
  const cookie = signUp.headers
    .getSetCookie()
    .map((one) => one.split(";")[0])
    .join("; ");
  const as = { ...origin, cookie };
  const json = async (path: string, body: object) =>
    (await (await call(path, { method: "POST", headers: as, body: JSON.stringify(body) })).json()) as {
      id: string;
      token: string;
    };
  const { id: organisation } = await json("/v1/organisations", { name: "o" });
  const { id: cluster } = await json("/v1/clusters", { name: "c", organisation });
  const { token } = await json("/v1/tokens", { name: "t", role: "owner" });
  await stop();

  const old = await file("master.key");
  await renewMasterKey(data);
  expect(await file("master.key")).not.toBe(old);
  expect(await file("master.key.previous")).toBe(old);
  expect((await stat(join(data, "master.key"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(data, "master.key.previous"))).mode & 0o777).toBe(0o600);
  // Twice would lose the key that everything is sealed under.
  await expect(renewMasterKey(data)).rejects.toThrow("start Gantry first");

  expect((await start()).clusterCa).toBe(clusterCa);
  await vi.waitFor(async () => expect(await isThere("master.key.previous")).toBe(false), { timeout: 10_000 });
  const read = (await (await call(`${secrets}/s`, { headers: admin })).json()) as { data: { password: string } };
  expect(atob(read.data.password)).toBe("xyzzy");
  const bearer = { authorization: `Bearer ${token}` };
  expect((await call(`/clusters/${cluster}/api/v1/namespaces`, { headers: bearer })).status).toBe(200);
  await stop();

  const current = await file("master.key");
  await writeFile(join(data, "master.key"), old);
  await expect(start()).rejects.toThrow(/master/);
  await writeFile(join(data, "master.key"), current);
  await start();
});

test("cut off between its two files, it is taken up again", async () => {
  await start();
  await stop();
  const old = await file("master.key");
  await writeFile(join(data, "master.key.previous"), old, { mode: 0o600 });
  await renewMasterKey(data);
  expect(await file("master.key")).not.toBe(old);
  await start();
});
