/** src/SECURITY.md names the tests that keep its promises: each is there, and no attack is without a promise. */
import { access, readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const page = await readFile(new URL("src/SECURITY.md", ROOT), "utf8");

/** As they are written: from the root, or from src. */
const named = [...new Set([...page.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, path = ""]) => path))];

async function isThere(path: string): Promise<boolean> {
  for (const base of [ROOT, new URL("src/", ROOT)]) {
    const found = await access(new URL(path, base)).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

test("every test that the page names is there", async () => {
  expect(named.length).toBeGreaterThan(20);
  const missing = await Promise.all(named.map(async (path) => ((await isThere(path)) ? [] : [path])));
  expect(missing.flat()).toEqual([]);
});

test("the page names every test of the attack suite", async () => {
  const files = (await readdir(new URL("test/security/", ROOT))).filter((name) => name.endsWith(".test.ts"));
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((name) => !named.includes(`test/security/${name}`))).toEqual([]);
});
