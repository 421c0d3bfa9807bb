/** Names of definitions through the real API: given once, free again when their owner goes. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { eventually } from "../test/harness/eventually.ts";
import type { Client } from "./client/client.ts";
import {
  customResourceDefinitions,
  type CustomResourceDefinition,
  type DefinitionNames,
} from "./kinds/apiextensions/customresourcedefinitions/types.ts";
import { createLoops, type Loops } from "./loops.ts";

let cluster: TestCluster;
let client: Client;
let loops: Loops;

beforeEach(async () => {
  cluster = await createTestCluster();
  client = cluster.app.clientFor({ name: "admin", groups: ["system:masters"] });
  loops = createLoops({ cluster: cluster.cluster, app: cluster.app });
  loops.start();
});
afterEach(async () => {
  await loops.stop();
  await cluster.stop();
});

async function create(names: Partial<DefinitionNames> & { plural: string; kind: string }): Promise<void> {
  const schema = { openAPIV3Schema: { type: "object" } };
  await client.create<CustomResourceDefinition>(customResourceDefinitions, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${names.plural}.example.com` },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names,
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  });
}

/** Once it is as the conditions say. */
async function settled(plural: string, conditions: readonly string[]): Promise<CustomResourceDefinition> {
  return eventually(
    async () => {
      const name = `${plural}.example.com`;
      const definition = await client.get<CustomResourceDefinition>(customResourceDefinitions, { name });
      const said = (definition.status?.conditions ?? []).map(
        ({ type, status, reason }) => `${type} ${status} ${reason}`,
      );
      expect(said).toEqual(conditions);
      return definition;
    },
    { withinMs: 10_000, everyMs: 20 },
  );
}

const ACCEPTED = ["NamesAccepted True NoConflicts", "Established False Installing"];

test("a name is accepted once, and again when it is free", async () => {
  await create({ plural: "tabs", kind: "Tab", shortNames: ["t"] });
  const first = await settled("tabs", ACCEPTED);
  expect(first.status?.acceptedNames).toEqual({
    plural: "tabs",
    singular: "tab",
    shortNames: ["t"],
    kind: "Tab",
    listKind: "TabList",
  });
  expect(first.status?.storedVersions).toEqual(["v1"]);

  await create({ plural: "others", kind: "Tab", listKind: "OtherList", singular: "other" });
  const second = await settled("others", ["NamesAccepted False KindConflict", "Established False NotAccepted"]);
  expect(second.status?.conditions?.[0]?.message).toBe('"Tab" is already in use');
  expect(second.status?.acceptedNames).toMatchObject({ plural: "others", singular: "other" });

  await client.delete(customResourceDefinitions, { name: "tabs.example.com" });
  const freed = await settled("others", ACCEPTED);
  expect(freed.status?.acceptedNames?.kind).toBe("Tab");
  expect(cluster.errors).toEqual([]);
});
