/** Kubernetes' own end-to-end tests, built from its published Go module. Needs Go; the first time takes a quarter of an hour. */
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { load } from "js-yaml";
import { command } from "../harness/command.ts";

const MODULE = "k8s.io/kubernetes";
const VERSION = "1.36.1";
/** The modules that are developed in Kubernetes' repository and published beside it: v1.36.1 there is v0.36.1 here. */
const PART_VERSION = `v0${VERSION.slice(1)}`;
const BUILD_MS_MAX = 60 * 60_000;

export interface TestBinary {
  path: string;
  /** The names of all conformance tests. */
  names: string[];
}

/** @param folder keeps the binary for the next time */
export async function buildTestBinary(folder: string): Promise<TestBinary> {
  await mkdir(folder, { recursive: true });
  const go = async (args: string[]): Promise<string> => {
    const finished = await command(["go", "-C", folder, ...args], { timeoutMs: BUILD_MS_MAX });
    return finished.stdout;
  };
  const downloaded = await go(["mod", "download", "-json", `${MODULE}@v${VERSION}`]);
  const { Dir: source } = JSON.parse(downloaded) as { Dir: string };
  const path = join(folder, `e2e-${VERSION}.test`);
  const isBuilt = await access(path).then(
    () => true,
    () => false,
  );
  if (!isBuilt) {
    await writeFile(join(folder, "go.mod"), goMod(await readFile(join(source, "go.mod"), "utf8")));
    await writeFile(join(folder, "go.sum"), await readFile(join(source, "go.sum")));
    await go(["test", "-mod=mod", "-c", "-ldflags=-s -w", "-o", path, `${MODULE}/test/e2e`]);
  }
  const list = await readFile(join(source, "test/conformance/testdata/conformance.yaml"), "utf8");
  const names = (load(list) as { codename: string }[]).map(({ codename }) => codename);
  return { path, names: names.toSorted() };
}

/** As Kubernetes' own, with published modules for what its repository holds. */
function goMod(original: string): string {
  const parts = [...original.matchAll(/^\s*(\S+) => \.\/staging\//gm)].map(([, name]) => name);
  const replaced = parts.map((name) => `\t${name} => ${name} ${PART_VERSION}\n`).join("");
  const required = original.slice(0, original.indexOf("\nreplace (")).replace(`module ${MODULE}`, "module conformance");
  return `${required}\nrequire ${MODULE} v${VERSION}\n\nreplace (\n${replaced})\n`;
}
