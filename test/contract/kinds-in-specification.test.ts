/** Every kind is served as the pinned OpenAPI document of Kubernetes says: verbs, scope, subresources and their kinds. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REVIEWS } from "../../src/http/reviews.ts";
import { kinds } from "../../src/kinds/index.ts";

const SPECIFICATION = new URL(
  "../../node_modules/@forklift-ui/types/src/generated/kubernetes/swagger.json",
  import.meta.url,
);

interface Operation {
  "x-kubernetes-action"?: string;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string };
}

interface Served {
  kind: string;
  namespaced: boolean;
  verbs: Set<string>;
  subresources: Map<string, { kind: string; verbs: Set<string> }>;
}

/** Connecting to a pod, node or service is told as the methods that a client may use for it. */
const VERBS: Readonly<Record<string, string>> = {
  post: "create",
  put: "update",
  watchlist: "watch",
};

/** "connect" subresources: discovery names verbs that their kinds choose themselves. */
const CONNECTED = new Set(["proxy", "exec", "attach", "portforward"]);

/** Subresources that are not served yet. A line goes when one comes. */
const MISSING: readonly string[] = [];

function specification(): Map<string, Served> {
  const { paths } = JSON.parse(readFileSync(SPECIFICATION, "utf8")) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const served = new Map<string, Served>();
  for (const [path, operations] of Object.entries(paths)) {
    const match =
      /^\/(?:api|apis\/([^/]+))\/(v\d+)\/(namespaces\/\{namespace\}\/)?([a-z]+)(?:\/\{name\}(?:\/([a-z]+))?)?$/.exec(
        path,
      );
    if (!match) continue;
    const [, group = "", version = "", namespaced, plural = "", subresource] = match;
    for (const operation of Object.values(operations)) {
      const kind = operation["x-kubernetes-group-version-kind"]?.kind;
      const action = operation["x-kubernetes-action"];
      if (kind === undefined || action === undefined) continue;
      const key = `${group}/${version}/${plural}`;
      const entry = served.get(key) ?? { kind: "", namespaced: false, verbs: new Set(), subresources: new Map() };
      served.set(key, entry);
      if (namespaced) entry.namespaced = true;
      if (subresource === undefined) {
        entry.kind = kind;
        entry.verbs.add(VERBS[action] ?? action);
        continue;
      }
      const known = entry.subresources.get(subresource) ?? { kind, verbs: new Set() };
      known.verbs.add(VERBS[action] ?? action);
      entry.subresources.set(subresource, known);
    }
  }
  return served;
}

const specified = specification();
const keyOf = ({ group, version, plural }: { group: string; version: string; plural: string }) =>
  `${group}/${version}/${plural}`;

describe("the specification of Kubernetes v1.36", () => {
  it.each(kinds.map((kind) => [keyOf(kind), kind] as const))("has %s as it is served", (key, kind) => {
    const entry = specified.get(key);
    // A watch is a list with a parameter now; the document has it only as a deprecated path.
    const verbs = kind.verbs.filter((verb) => verb !== "watch");
    expect({ kind: kind.kind, namespaced: kind.namespaced, verbs: verbs.toSorted() }).toEqual({
      kind: entry?.kind,
      namespaced: entry?.namespaced,
      verbs: [...(entry?.verbs ?? [])].toSorted(),
    });
    for (const { name, body, verbs: own } of kind.subresources) {
      const known = entry?.subresources.get(name);
      expect([name, body?.kind ?? kind.kind]).toEqual([name, known?.kind]);
      if (!CONNECTED.has(name)) expect([name, own.toSorted()]).toEqual([name, [...(known?.verbs ?? [])].toSorted()]);
    }
  });

  it("has nothing that is not served", () => {
    const known = new Set([...kinds, ...REVIEWS].map(keyOf));
    expect([...specified.keys()].filter((key) => !known.has(key))).toEqual([]);
    const parts = new Set(kinds.flatMap((kind) => kind.subresources.map(({ name }) => `${keyOf(kind)}/${name}`)));
    const wanted = [...specified].flatMap(([key, { subresources }]) =>
      [...subresources.keys()].map((name) => `${key}/${name}`),
    );
    expect(wanted.filter((part) => !parts.has(part)).toSorted()).toEqual(MISSING);
  });
});
