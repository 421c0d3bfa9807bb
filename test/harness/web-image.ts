/** The image of the cluster's tests: a busybox with its applets, and this machine's curl with the libraries it needs. */
import { readFile } from "node:fs/promises";
import { command } from "./command.ts";
import type { ImageFile, ImageSpec } from "./container-image.ts";

const APPLETS = "sh cat echo env hostname httpd kill ls mkdir sleep touch wc nc printf ps true false id".split(" ");

export async function webImage(name: string): Promise<ImageSpec> {
  const folders = [
    "bin",
    "etc",
    "lib",
    "lib64",
    "proc",
    "sys",
    "dev",
    "tmp",
    "usr",
    "usr/bin",
    "usr/lib",
    "var",
    "var/run",
  ];
  const curl = (await command(["sh", "-c", "command -v curl"])).stdout.trim();
  const libraries = (await command(["ldd", curl])).stdout.match(/\/\S+(?= \(0x)/g) ?? [];
  const parents = libraries.flatMap((path) => ancestors(path.slice(1)));
  const files: ImageFile[] = [
    ...[...new Set([...folders, ...parents])].toSorted().map((path) => ({ path })),
    { path: "bin/busybox", content: await readFile("/bin/busybox") },
    ...APPLETS.map((applet) => ({ path: `bin/${applet}`, linkTo: "busybox" })),
    { path: "bin/curl", content: await readFile(curl) },
    { path: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n", mode: 0o644 },
    { path: "etc/nsswitch.conf", content: "hosts: files dns\n", mode: 0o644 },
  ];
  for (const path of new Set(libraries)) files.push({ path: path.slice(1), content: await readFile(path) });
  return { name, files };
}

/** "a/b/c.so" → "a", "a/b" */
function ancestors(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_part, i) => parts.slice(0, i + 1).join("/"));
}
