/**
 * Paths that lead out: subPath with dots and with links that a container has put there, files of projected volumes, names of containers in
 * the path of a log. First what the API refuses, then what the node refuses that is given it all the same.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { resolveSubPath } from "../../agent/volumes/sub-path.ts";
import { writeAtomically } from "../../agent/volumes/atomic-writer.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { make } from "../harness/grants.ts";

const PODS = "/api/v1/namespaces/default/pods";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  await make(api, "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const OUTSIDE = ["..", "../x", "a/..", "a/../../x", "./../x", "/etc", "//etc", "a/b/../../../x"];

const pod = (spec: object, mount: object = {}): object => ({
  metadata: { name: "p" },
  spec: {
    containers: [{ name: "a", image: "i", volumeMounts: [{ name: "v", mountPath: "/v", ...mount }] }],
    volumes: [{ name: "v", emptyDir: {} }],
    ...spec,
  },
});
const item = (path: string): object => ({ key: "k", path });

describe("the API refuses", () => {
  const sources: [string, (path: string) => object][] = [
    ["a ConfigMap", (path) => ({ configMap: { name: "c", items: [item(path)] } })],
    ["a Secret", (path) => ({ secret: { secretName: "s", items: [item(path)] } })],
    ["fields", (path) => ({ downwardAPI: { items: [{ path, fieldRef: { fieldPath: "metadata.name" } }] } })],
    ["a projected Secret", (path) => ({ projected: { sources: [{ secret: { name: "s", items: [item(path)] } }] } })],
    ["a projected token", (path) => ({ projected: { sources: [{ serviceAccountToken: { path } }] } })],
  ];

  test.each(OUTSIDE)("the subPath %s", async (subPath) => {
    for (const mount of [{ subPath }, { subPathExpr: subPath }]) {
      const answer = await api.call(`${PODS}?dryRun=All`, { method: "POST", body: pod({}, mount) });
      expect(answer.status, answer.text).toBe(422);
    }
  });

  test.each(
    sources.flatMap(([name, make_]) =>
      [...OUTSIDE, "..data", "..x/y"].map((path) => [path, name, make_(path)] as const),
    ),
  )("the file %s of %s", async (_path, _name, source) => {
    const body = pod({ volumes: [{ name: "v", ...source }] });
    const answer = await api.call(`${PODS}?dryRun=All`, { method: "POST", body });
    expect(answer.status, answer.text).toBe(422);
  });

  test.each(["..", ".", "../x", "a/b", "..x", "a\\b", "a\u0000"])(
    "the key %j of a ConfigMap or Secret",
    async (key) => {
      for (const plural of ["configmaps", "secrets"]) {
        const body = { metadata: { name: "x" }, data: { [key]: "" } };
        const answer = await api.call(`/api/v1/namespaces/default/${plural}?dryRun=All`, { method: "POST", body });
        expect(answer.status, answer.text).toBe(422);
      }
    },
  );

  test.each(["..", "../../../etc/passwd", "a/../b", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a\u0000", "a/0.log"])(
    "the log of the container %j",
    async (container) => {
      await api.call(PODS, { method: "POST", body: pod({}) });
      for (const name of [container, encodeURIComponent(container)]) {
        const answer = await api.call(`${PODS}/p/log?container=${encodeURIComponent(name)}`);
        expect([400, 404], answer.text).toContain(answer.status);
      }
      const named = { metadata: { name: "q" }, spec: { containers: [{ name: container, image: "i" }] } };
      expect((await api.call(`${PODS}?dryRun=All`, { method: "POST", body: named })).status).toBe(422);
    },
  );
});

/** As a container may: the folder "a" is now a folder, now a link to another, as fast as can be, until it is told to end. */
const SWAPPER = `
const { renameSync, existsSync } = require("node:fs");
const [volume, stop] = process.argv.slice(1);
let aside = 0;
function move(from, to) {
  for (let tries = 0; tries < 100; tries++) {
    try {
      return renameSync(volume + "/" + from, volume + "/" + to);
    } catch {
      // Somebody has made a folder there.
      try { renameSync(volume + "/" + to, volume + "/aside" + aside++); } catch { /* it is gone again */ }
    }
  }
  throw new Error(from + " cannot be moved to " + to);
}
process.stdout.write("swapping");
while (!existsSync(stop)) {
  for (let i = 0; i < 100; i++) {
    move("a", "folder");
    move("link", "a");
    move("a", "link");
    move("folder", "a");
  }
}`;

describe("the node refuses", () => {
  let root: string;
  let volume: string;
  let outside: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "gantry-paths-")));
    [volume, outside] = [join(root, "volume"), join(root, "outside")];
    await mkdir(volume);
    await mkdir(outside);
    await writeFile(join(outside, "secret"), "theirs");
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test.each([...OUTSIDE, "", "..data/x"])("the subPath %j", async (subPath) => {
    await expect(resolveSubPath(volume, subPath)).rejects.toThrow();
    expect([await readdir(volume), await readdir(outside)]).toEqual([[], ["secret"]]);
  });

  test.each<[string, string, string]>([
    ["a link to a folder", "link", "link"],
    ["what is in a linked folder", "link", "link/secret"],
    ["what is to be made in a linked folder", "link", "link/new/deep"],
    ["a link below a folder", "a/link", "a/link/new"],
    ["a link behind single dots", "link", "./././link/new"],
    ["a link with slashes", "link", "link//new"],
  ])("%s", async (_name, at, subPath) => {
    await mkdir(join(volume, "a"));
    for (const target of [outside, "../outside", "a/../../outside", "/"].slice(0, at === "link" ? 4 : 1)) {
      await rm(join(volume, at), { force: true });
      await symlink(target, join(volume, at));
      await expect(resolveSubPath(volume, subPath)).rejects.toThrow("leads outside");
      expect(await readdir(outside), target).toEqual(["secret"]);
    }
  });

  test("a link to a link, a link that comes back, and a link to a file", async () => {
    await symlink("second", join(volume, "first"));
    await symlink(outside, join(volume, "second"));
    await expect(resolveSubPath(volume, "first/secret")).rejects.toThrow("leads outside");
    await symlink(join(outside, "secret"), join(volume, "file"));
    await expect(resolveSubPath(volume, "file")).rejects.toThrow("leads outside");
    await symlink("loop", join(volume, "loop"));
    await expect(resolveSubPath(volume, "loop/x")).rejects.toThrow();
    // A neighbour whose name begins alike is outside, too.
    await mkdir(`${volume}-other`);
    await symlink(`${volume}-other`, join(volume, "alike"));
    await expect(resolveSubPath(volume, "alike")).rejects.toThrow("leads outside");
    await symlink("../outside/../volume", join(volume, "back"));
    expect(await resolveSubPath(volume, "back")).toBe(volume);
  });

  test("a folder that a container swaps for a link while it is looked for", async () => {
    await mkdir(join(volume, "a"));
    await symlink(outside, join(volume, "link"));
    await chmod(outside, 0o700);
    const stop = join(root, "stop");
    const swapper = spawn(process.execPath, ["-e", SWAPPER, volume, stop], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(swapper, "exit");
    await once(swapper.stdout, "data");
    let refused = 0;
    for (let at = 0; at < 1500; at++) {
      const where = await resolveSubPath(volume, `a/new${at}/deep`).catch(() => undefined);
      if (where === undefined) refused++;
      else expect(where.startsWith(`${volume}/`), where).toBe(true);
    }
    await writeFile(stop, "");
    expect(await ended).toEqual([0, null]);
    expect([await readdir(outside), (await stat(outside)).mode & 0o777]).toEqual([["secret"], 0o700]);
    // Else nothing was swapped under it, or nothing was found.
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(1500);
  }, 60_000);

  test.each([...OUTSIDE, "..data", "..data/x", ""])("the file %j of a volume", async (path) => {
    const payload = new Map([
      ["fine", { data: new Uint8Array(), mode: 0o644 }],
      [path, { data: new TextEncoder().encode("mine"), mode: 0o644 }],
    ]);
    await expect(writeAtomically(volume, payload, { stamp: "1" })).rejects.toThrow("invalid path");
    expect([await readdir(volume), await readdir(outside)]).toEqual([[], ["secret"]]);
  });
});
