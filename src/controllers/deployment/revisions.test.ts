import { expect, test } from "vitest";
import { deployment, replicaSet, rolled } from "../../controller-runtime/views.fixture.ts";
import {
  newReplicaSetAnnotations,
  nextRevision,
  planCleanup,
  REVISION,
  REVISION_HISTORY,
  revisionOf,
} from "./revisions.ts";

const withRevision = (revision: string, more: Record<string, string> = {}) =>
  replicaSet(`r${revision}`, { meta: { annotations: { [REVISION]: revision, ...more } } });

test.each<[string, bigint]>([
  ["7", 7n],
  ["3546343826724305832", 3546343826724305832n],
  ["9223372036854775808", 0n],
  ["", 0n],
  ["7a", 0n],
  ["1e3", 0n],
])("revision %j", (text, expected) => {
  expect(revisionOf(withRevision(text))).toBe(expected);
});

test("the next revision is one above the newest there is, beyond 2^53 too", () => {
  expect(nextRevision([])).toBe(1n);
  expect(nextRevision([withRevision("2"), withRevision("3546343826724305832"), withRevision("x")])).toBe(
    3546343826724305833n,
  );
});

test.each<[string, Parameters<typeof newReplicaSetAnnotations>[1], Record<string, string>]>([
  ["a new one", { current: undefined, revision: 3n }, { [REVISION]: "3" }],
  ["the newest keeps its own", { current: withRevision("5"), revision: 3n }, { [REVISION]: "5" }],
  [
    "rolled back to, it remembers",
    { current: withRevision("1"), revision: 3n },
    { [REVISION]: "3", [REVISION_HISTORY]: "1" },
  ],
  [
    "again",
    { current: withRevision("3", { [REVISION_HISTORY]: "1" }), revision: 9n },
    { [REVISION]: "9", [REVISION_HISTORY]: "1,3" },
  ],
])("annotations of the new ReplicaSet: %s", (_name, given, expected) => {
  const annotations = { team: "blue", [REVISION]: "1", [REVISION_HISTORY]: "none of its business" };
  const owner = deployment({ replicas: 2, meta: { annotations } });
  const { "deployment.kubernetes.io/desired-replicas": desired, ...rest } = newReplicaSetAnnotations(owner, given);
  expect(desired).toBe("2");
  expect(rest).toEqual({ team: "blue", "deployment.kubernetes.io/max-replicas": "3", ...expected });
});

test("a history stays below 2,000 characters, the oldest make room", () => {
  const history = Array.from({ length: 400 }, (_, i) => String(i + 1000)).join(",");
  const current = withRevision("2000", { [REVISION_HISTORY]: history });
  const kept = newReplicaSetAnnotations(deployment(), { current, revision: 2001n })[REVISION_HISTORY] ?? "";
  expect(kept).toHaveLength(1999);
  expect(kept.startsWith("1001,")).toBe(true);
  expect(kept.endsWith(",1399,2000")).toBe(true);
});

test("history: empty ones beyond the limit go, the oldest revision first; those with pods stay", () => {
  const old = [4, 2, 3, 1].map((revision) =>
    rolled(`r${revision}`, 0, 0, { meta: { annotations: { "deployment.kubernetes.io/revision": String(revision) } } }),
  );
  const gone = planCleanup(deployment({ revisionHistoryLimit: 2 }), old);
  expect(gone.map(({ metadata }) => metadata.name)).toEqual(["r1", "r2"]);
  expect(planCleanup(deployment({ revisionHistoryLimit: 0 }), [rolled("busy", 1, 1)])).toEqual([]);
  expect(
    planCleanup(deployment({ revisionHistoryLimit: 0 }), [
      replicaSet("ending", { replicas: 0, status: { replicas: 1 } }),
    ]),
  ).toEqual([]);
});
