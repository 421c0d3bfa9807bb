import { describe, expect, it } from "vitest";
import { clusterRoleBindings, clusterRoles } from "../../kinds/rbac/types.ts";
import type { User } from "../../authn/authenticator.ts";
import { clusterBinding, clusterRole, rule, user } from "../defaults/notation.ts";
import { createPolicyMemory } from "./policy-memory.ts";
import { createAnnouncedPolicy, createAskedPolicy, createPolicyWatch } from "./policy.ts";
import type { PolicyChange } from "./policy-source.ts";
import { indexOf, storedPolicy } from "./testing/objects.ts";

const ann: User = { name: "ann", groups: [] };
const role = storedPolicy(clusterRoles, clusterRole("r", [rule("get", "core", "pods")]), 2);
const binding = (revision: number, name = "ann"): PolicyChange =>
  storedPolicy(clusterRoleBindings, clusterBinding("r", [user(name)]), revision);
const question = {
  user: ann,
  verb: "get",
  path: "",
  resource: { group: "", version: "v1", resource: "pods", subresource: "", namespace: "a", name: "p" },
};

describe("a policy whose changes are announced", () => {
  it("is read once, and has what was committed meanwhile", async () => {
    const read = Promise.withResolvers<{ revision: number; objects: PolicyChange[] }>();
    let reads = 0;
    const listeners: ((changes: readonly PolicyChange[]) => void)[] = [];
    const announce = (changes: readonly PolicyChange[]) => listeners.forEach((listener) => listener(changes));
    const policy = createAnnouncedPolicy({
      read: () => {
        reads++;
        return read.promise;
      },
      onCommit: (listener) => listeners.push(listener),
    });
    announce([binding(1)]);
    const [first, second] = [policy.current(), policy.current()];
    announce([{ ...binding(3), type: "DELETED" }, binding(5)]);
    read.resolve({ revision: 4, objects: [role] });
    const index = await first;
    expect([await second, policy.current(), reads]).toEqual([index, index, 1]);
    // Older than what was read: not again.
    expect([index.revision, index.authorize(question).verdict]).toEqual([5, "allow"]);
    announce([{ ...binding(6), type: "DELETED" }]);
    expect([policy.seen, index.authorize(question).verdict]).toEqual([6, "none"]);
  });

  it("is read again where that failed", async () => {
    const answers = [() => Promise.reject(new Error("away")), () => Promise.resolve({ revision: 1, objects: [] })];
    const policy = createAnnouncedPolicy({
      read: () => answers.shift()?.() ?? Promise.reject(new Error("too often")),
      onCommit: () => {},
    });
    await expect(policy.current()).rejects.toThrow("away");
    expect((await policy.current()).revision).toBe(1);
  });
});

function askedPolicy() {
  const state = { revision: 1, reads: 0, checks: 0 };
  const watch = createPolicyWatch({ clock: { now: () => 0 } });
  const policy = createAskedPolicy({
    watch,
    memory: createPolicyMemory(),
    clusterId: "c",
    reader: {
      async policy(query) {
        const told = watch.begin();
        state.reads++;
        const { revision } = state;
        await Promise.resolve();
        told(revision);
        if (!query) return { revision, objects: [role, binding(revision)] };
        return { revision, objects: [], removed: [binding(revision)] };
      },
      async policyRevision() {
        const told = watch.begin();
        state.checks++;
        const { revision } = state;
        await Promise.resolve();
        told(revision);
        return revision;
      },
    },
  });
  return { state, watch, policy };
}

describe("a policy that is asked for", () => {
  it("is read again once anything has told that it moved", async () => {
    const { state, watch, policy } = askedPolicy();
    expect((await policy.current()).revision).toBe(1);
    await policy.current();
    expect(state.reads).toBe(1);
    state.revision = 7;
    watch.begin()(7);
    expect((await Promise.all([policy.current(), policy.current()])).map(({ revision }) => revision)).toEqual([7, 7]);
    expect(state.reads).toBe(2);
    expect((await policy.current()).authorize(question).verdict, "only what changed was read").toBe("none");
  });

  it("is checked by one question for all who ask while another is under way, and by none that began before", async () => {
    const { state, policy } = askedPolicy();
    const first = policy.asked?.check();
    state.revision = 9;
    const others = Promise.all(Array.from({ length: 100 }, async () => await policy.asked?.check()));
    await first;
    expect(policy.seen).toBe(1);
    await others;
    expect([policy.seen, state.checks]).toEqual([9, 2]);
  });
});

describe("the memory of policies", () => {
  it("keeps those used last, within its bound", () => {
    const one = indexOf([[clusterRoles, clusterRole("r", [rule("get", "core", "pods")])]]);
    const memory = createPolicyMemory({ bytesMax: 2 * one.bytes });
    memory.put("a", one);
    memory.put("b", one);
    memory.get("a");
    memory.put("c", one);
    expect(["a", "b", "c"].map((id) => memory.get(id) !== undefined)).toEqual([true, false, true]);
    const large = indexOf(
      Array.from(
        { length: 5 },
        (_, at) => [clusterRoles, clusterRole(`r-${at}`, [rule("get", "core", "pods")])] as const,
      ),
    );
    memory.put("large", large);
    expect(memory.get("large"), "larger than all of it").toBeUndefined();
  });
});
