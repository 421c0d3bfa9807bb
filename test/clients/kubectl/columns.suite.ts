/**
 * `kubectl get -o wide`, `explain` and `api-resources -o wide` of every kind. The cells are recorded in test/manifests/columns.ts; here
 * the real client asks for them and prints their headers, over all kinds that can be created.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { kinds } from "../../../src/kinds/index.ts";
import type { KindDefinition } from "../../../src/registry/kind.ts";
import type { Kubectl } from "../../harness/kubectl.ts";
import { columns } from "../../manifests/columns.ts";
import { manifests, type Manifest } from "../../manifests/index.ts";
import { lines, openShell, type Shell } from "../shell.ts";

const creatable = kinds.filter(({ verbs }) => verbs.includes("create") && verbs.includes("get"));
const fullName = ({ group, plural }: KindDefinition) => (group === "" ? plural : `${plural}.${group}`);
/** Of a name in two groups and of a kind in two versions kubectl wants to know which. */
const exactName = ({ group, version, plural }: KindDefinition) => `${plural}.${version}.${group}`;

function exampleOf({ group, version, kind }: KindDefinition): Manifest["object"] | undefined {
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return manifests.find(({ object }) => object.apiVersion === apiVersion && object.kind === kind)?.object;
}

export function columnsSuite(kubectl: () => Kubectl): void {
  describe("every kind", () => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await openShell(kubectl(), "columns");
    });

    test.each(creatable.map((kind) => [exactName(kind), kind] as const))("get %s", async (name, kind) => {
      const { metadata: own = {}, ...example } = exampleOf(kind) ?? {};
      // Events are where what they are about is.
      const namespace = kind.plural === "events" ? "default" : shell.namespace;
      const metadata = { ...own, ...(kind.namespaced ? { namespace } : {}) };
      await shell.run(`-n ${namespace} create --validate=ignore -f -`, {
        stdin: JSON.stringify({ ...example, metadata }),
      });
      const object = `-n ${namespace} ${name} ${metadata.name ?? ""}`;
      const recorded = columns[`${kind.group}/${kind.version}/${kind.plural}`];
      const header = async (more: string) => lines(await shell.ok(`get ${object} ${more}`.trim()))[0];
      expect(await header("")).toBe(recorded?.get[0]);
      expect(await header("-o wide")).toBe((recorded?.wide ?? recorded?.get)?.[0]);
      await shell.run(`delete ${object} --wait=false`);
    });

    test("api-resources -o wide", async () => {
      const rows = new Map<string, string>();
      for (const row of lines(await shell.ok("api-resources -o wide --sort-by=name --no-headers"))) {
        const cells = /^(\S+)\s+(?:(\S+)\s+)?(\S*v\d\S*)\s+(true|false)\s+(\S+)\s+(\S+)(?:\s+(\S+))?$/
          .exec(row)
          ?.slice(1);
        if (cells) rows.set(`${cells[2]} ${cells[0]}`, [cells[1], ...cells.slice(3)].join(" ").trim());
      }
      for (const kind of kinds) {
        const { group, version, plural, namespaced, verbs, shortNames, categories } = kind;
        const apiVersion = group === "" ? version : `${group}/${version}`;
        // kubectl shows the preferred version of a kind alone.
        if (apiVersion === "autoscaling/v1") continue;
        const sorted = verbs.toSorted().join(",");
        const expected = [shortNames.join(","), String(namespaced), kind.kind, sorted, categories.join(",")]
          .join(" ")
          .trim();
        expect([fullName(kind), rows.get(`${apiVersion} ${plural}`)]).toEqual([fullName(kind), expected]);
      }
    });
  });
}
