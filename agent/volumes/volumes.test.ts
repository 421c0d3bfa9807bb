import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../../test/harness/requires.ts";
import { makePod } from "../pods/agent-bench.ts";
import type { Volume } from "../pods/pod.ts";
import { writeAtomically, type Payload } from "./atomic-writer.ts";
import { hostsFile } from "./host-files.ts";
import { createMemoryFolders, createNoMemoryFolders, mountsAreShared } from "./memory-folder.ts";
import { volumePayload, type PayloadSources } from "./payload.ts";
import { resolveSubPath } from "./sub-path.ts";
import { createPodVolumes } from "./volumes.ts";

let root: string;
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), "gantry-volumes-"))));
afterEach(async () => rm(root, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (files: Record<string, string>): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: bytes(text), mode: 0o644 }]));

const sources: PayloadSources = {
  configMap: (_namespace, name) =>
    name === "conf"
      ? { metadata: { name }, data: { a: "1", b: "2" }, binaryData: { c: Buffer.from([0, 255]).toString("base64") } }
      : undefined,
  secret: (_namespace, name) =>
    name === "keys" ? { metadata: { name }, data: { k: Buffer.from("s3cret").toString("base64") } } : undefined,
  downward: {
    hostIps: ["192.0.2.1"],
    podIps: ["10.244.0.5"],
    allocatable: { cpu: 4, memory: 2 ** 30, ephemeralStorage: 2 ** 30 },
  },
  token: async ({ audience, expirationSeconds }) => `${audience ?? "api"}-${expirationSeconds}`,
};

describe("files that change all at once", () => {
  test("users see links through ..data, old files go, unchanged ones are left alone", async () => {
    expect(await writeAtomically(root, payload({ a: "1", "dir/b": "2" }), { stamp: "one" })).toBe(true);
    expect(await readlink(join(root, "a"))).toBe("..data/a");
    expect(await readFile(join(root, "dir/b"), "utf8")).toBe("2");
    expect(await writeAtomically(root, payload({ a: "1", "dir/b": "2" }), { stamp: "two" })).toBe(false);
    expect(await writeAtomically(root, payload({ a: "3", c: "4" }), { stamp: "three" })).toBe(true);
    expect((await readdir(root)).toSorted()).toEqual(["..data", "..three", "a", "c"]);
    expect(await readFile(join(root, "a"), "utf8")).toBe("3");
  });

  test("modes are what they are asked to be, whatever the umask", async () => {
    await writeAtomically(root, new Map([["a", { data: bytes("x"), mode: 0o666 }]]), { stamp: "one" });
    expect((await stat(join(root, "a"))).mode & 0o777).toBe(0o666);
  });

  test.each(["../a", "/a", "a/../../b", "..a", ""])(
    "a path like %j is refused before anything is written",
    async (path) => {
      await expect(writeAtomically(root, payload({ ok: "1", [path]: "2" }), { stamp: "one" })).rejects.toThrow(
        "invalid path",
      );
      expect(await readdir(root)).toEqual([]);
    },
  );
});

const contents = async (volume: Volume) => {
  const files = await volumePayload(makePod({}, { labels: { app: "web" } }), volume, sources);
  return Object.fromEntries([...(files ?? [])].map(([path, { data }]) => [path, Buffer.from(data).toString("latin1")]));
};

describe("what a volume contains", () => {
  test.each<[string, Omit<Volume, "name">, Record<string, string>]>([
    ["a ConfigMap", { configMap: { name: "conf" } }, { a: "1", b: "2", c: "\u0000ÿ" }],
    ["chosen keys", { configMap: { name: "conf", items: [{ key: "a", path: "x/y" }] } }, { "x/y": "1" }],
    ["an optional one that is missing", { configMap: { name: "none", optional: true } }, {}],
    ["a Secret", { secret: { secretName: "keys" } }, { k: "s3cret" }],
    [
      "labels and limits",
      {
        downwardAPI: {
          items: [
            { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
            { path: "cpu", resourceFieldRef: { containerName: "app", resource: "limits.cpu", divisor: "1m" } },
          ],
        },
      },
      { labels: 'app="web"', cpu: "4000" },
    ],
    [
      "what service accounts get",
      {
        projected: {
          sources: [
            { serviceAccountToken: { path: "token", audience: "x", expirationSeconds: 600 } },
            { configMap: { name: "conf", items: [{ key: "a", path: "ca.crt" }] } },
            { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
          ],
        },
      },
      { token: "x-600", "ca.crt": "1", namespace: "default" },
    ],
  ])("%s", async (_name, volume, expected) => {
    expect(await contents({ name: "v", ...volume })).toEqual(expected);
  });

  test.each<[Omit<Volume, "name">, string]>([
    [{ configMap: { name: "none" } }, 'configmap "none" not found'],
    [{ secret: { secretName: "none" } }, 'secret "none" not found'],
    [{ configMap: { name: "conf", items: [{ key: "z", path: "z" }] } }, "references non-existent config key: z"],
    [{ secret: { secretName: "keys", items: [{ key: "z", path: "z" }] } }, "references non-existent secret key: z"],
  ])("%j fails with kubelet's words", async (volume, message) => {
    await expect(contents({ name: "v", ...volume })).rejects.toThrow(message);
  });
});

describe("subPath", () => {
  test("makes what is missing, inside the volume", async () => {
    expect(await resolveSubPath(root, "a/b")).toBe(join(root, "a/b"));
    expect((await stat(join(root, "a/b"))).isDirectory()).toBe(true);
  });

  test("follows links that stay inside", async () => {
    await mkdir(join(root, "..data_x"));
    await writeFile(join(root, "..data_x/key"), "");
    await symlink("..data_x/key", join(root, "key"));
    expect(await resolveSubPath(root, "key")).toBe(join(root, "..data_x/key"));
  });

  test.each(["..", "a/../../etc", "/etc"])("%s is refused", async (path) => {
    await expect(resolveSubPath(root, path)).rejects.toThrow("invalid path");
  });

  test("a link that leads outside is refused, and nothing is made there", async () => {
    const outside = await mkdtemp(join(tmpdir(), "gantry-outside-"));
    await symlink(outside, join(root, "out"));
    await expect(resolveSubPath(root, "out/new")).rejects.toThrow("leads outside");
    expect(await readdir(outside)).toEqual([]);
    await rm(outside, { recursive: true });
  });
});

requires(
  "mount",
  "umount",
  "root",
)("a path that is pinned", () => {
  const memory = createMemoryFolders();
  afterEach(async () => memory.unmountBelow(root));

  test("stays what it was when its name comes to lead elsewhere", async () => {
    await mkdir(join(root, "volume/sub"), { recursive: true });
    await writeFile(join(root, "volume/sub/file"), "mine");
    const target = join(root, "pins/0");
    const pinned = await memory.pin({ path: join(root, "volume/sub"), root: join(root, "volume"), target });
    await rename(join(root, "volume/sub"), join(root, "volume/moved"));
    await symlink("/etc", join(root, "volume/sub"));
    const shared = await mountsAreShared();
    expect(pinned).toBe(shared ? target : join(root, "volume/sub"));
    if (shared) expect(await readdir(pinned)).toEqual(["file"]);
  });

  test.each(["sub", "sub/ssl"])("is refused when a link has come into %s meanwhile", async (path) => {
    await mkdir(join(root, "volume"));
    await symlink("/etc", join(root, "volume/sub"));
    const at = { path: join(root, "volume", path), root: join(root, "volume"), target: join(root, "pins/0") };
    if (await mountsAreShared()) await expect(memory.pin(at)).rejects.toThrow("leads out of its volume");
    else expect(await memory.pin(at)).toBe(at.path);
  });
});

describe("a pod's volumes", () => {
  const clock = { now: () => 0 };
  let count = 0;
  const random = { uuid: () => `${++count}-`, fraction: () => 0, bytes: (n: number) => new Uint8Array(n) };

  test("are set up, mounted and removed", async () => {
    const volumes = createPodVolumes({
      directory: join(root, "volumes"),
      memory: createNoMemoryFolders(),
      clock,
      random,
    });
    const container = {
      name: "app",
      volumeMounts: [
        { name: "scratch", mountPath: "/tmp" },
        { name: "conf", mountPath: "/etc/a", subPath: "a" },
        { name: "host", mountPath: "/host", readOnly: true },
      ],
    };
    const pod = makePod({
      containers: [container],
      volumes: [
        { name: "scratch", emptyDir: {} },
        { name: "conf", configMap: { name: "conf", defaultMode: 0o400 } },
        { name: "host", hostPath: { path: join(root, "host"), type: "DirectoryOrCreate" } },
      ],
    });
    await volumes.setUp(pod, sources);
    const mounts = await volumes.mounts(pod, container, new Map());
    expect(mounts.map((m) => [m.containerPath, m.readOnly])).toEqual([
      ["/tmp", false],
      ["/etc/a", true],
      ["/host", true],
    ]);
    expect((await stat(mounts[0]?.hostPath ?? "")).mode & 0o777).toBe(0o777);
    expect((await stat(mounts[1]?.hostPath ?? "")).mode & 0o777).toBe(0o400);
    await chmod(mounts[0]?.hostPath ?? "", 0o700);
    await volumes.setUp(pod, sources);
    // What the pod did to its scratch space stays.
    expect((await stat(mounts[0]?.hostPath ?? "")).mode & 0o777).toBe(0o700);
    await volumes.tearDown();
    expect(await readdir(root)).toEqual(["host"]);
  });

  test("a hostPath of the wrong kind is named", async () => {
    const volumes = createPodVolumes({
      directory: join(root, "volumes"),
      memory: createNoMemoryFolders(),
      clock,
      random,
    });
    const pod = makePod({ volumes: [{ name: "h", hostPath: { path: join(root, "none"), type: "Directory" } }] });
    await expect(volumes.setUp(pod, sources)).rejects.toThrow(
      `MountVolume.SetUp failed for volume "h" : hostPath type check failed: ${join(root, "none")} is not a directory`,
    );
  });
});

test("/etc/hosts names the pod and its aliases", () => {
  const pod = makePod({ subdomain: "sub", hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }] });
  const text = hostsFile(pod, { podIps: ["10.244.0.5"], hostFile: "", dnsDomain: "cluster.local" });
  expect(text.split("\n")).toEqual([
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    "10.244.0.5\tweb.sub.default.svc.cluster.local\tweb",
    "",
    "# Entries added by HostAliases.",
    "1.2.3.4\ta\tb",
    "",
  ]);
});
