/** The page of resources is what the code says, and its list of what is still to come names only what is served. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AWAITED } from "../../src/kinds/acted-upon.ts";
import { kinds } from "../../src/kinds/index.ts";
import { groupResource } from "../../src/machinery/gvk.ts";
import { resourcesPage } from "../../src/setup/resources-page.ts";

describe("docs/resources.md", () => {
  it("is up to date: npm run docs makes it anew", () => {
    expect(readFileSync(new URL("../../docs/resources.md", import.meta.url), "utf8")).toBe(resourcesPage());
  });

  it("has a row for every kind", () => {
    const page = resourcesPage();
    for (const { plural, kind } of kinds) expect(page).toContain(`| \`${plural}\` | ${kind} |`);
  });

  it("names what nothing acts upon as Kubernetes stores it, served already or not", () => {
    const source = "../../node_modules/@forklift-ui/types/src/generated/kubernetes/swagger.json";
    const { paths } = JSON.parse(readFileSync(new URL(source, import.meta.url), "utf8")) as { paths: object };
    const published = new Set<string>();
    for (const path of Object.keys(paths)) {
      const match = /^\/(?:api|apis\/([^/]+))\/v[^/]+\/(?:namespaces\/\{namespace\}\/)?([a-z]+)$/.exec(path);
      if (match) published.add(groupResource(match[1] ?? "", match[2] ?? ""));
    }
    expect([...AWAITED.keys()].filter((name) => !published.has(name))).toEqual([]);
    expect(published.size).toBeGreaterThan(60);
  });
});
