import { expect, test } from "vitest";
import { createManualTime } from "../../test/harness/timers.ts";
import type { User } from "../authn/authenticator.ts";
import type { FlowSchema, PriorityLevelConfiguration } from "../kinds/flowcontrol/types.ts";
import { createFlowControl, DEFAULT_FLOW_CONFIGURATION, type FlowControl } from "./flow-control.ts";
import type { Seat } from "./priority-level.ts";
import type { FlowRequest } from "./schema-rules.ts";
import { dealHand } from "./shuffle-sharding.ts";

const AUTHENTICATED = "system:authenticated";
const user = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, AUTHENTICATED] });
const account = (namespace: string, name: string) =>
  user(`system:serviceaccount:${namespace}:${name}`, "system:serviceaccounts", `system:serviceaccounts:${namespace}`);
const request = (verb: string, resource: string, more: Partial<FlowRequest> = {}): FlowRequest => ({
  isResource: true,
  verb,
  path: "",
  group: "",
  resource,
  subresource: "",
  namespace: "default",
  ...more,
});
const path = (at: string, verb = "get"): FlowRequest =>
  request(verb, "", { isResource: false, path: at, namespace: "" });
const withUids = {
  schemas: DEFAULT_FLOW_CONFIGURATION.schemas.map((one) => ({
    ...one,
    metadata: { ...one.metadata, uid: `s-${one.metadata.name}` },
  })),
  levels: DEFAULT_FLOW_CONFIGURATION.levels.map((one) => ({
    ...one,
    metadata: { ...one.metadata, uid: `l-${one.metadata.name}` },
  })),
};
const none = () => undefined;

test.each<[User, FlowRequest, string, string]>([
  [user("admin", "system:masters"), request("create", "pods"), "exempt", "exempt"],
  [user("ann"), path("/readyz"), "probes", "exempt"],
  [user("ann"), path("/metrics"), "global-default", "global-default"],
  [
    { name: "system:anonymous", groups: ["system:unauthenticated"] },
    request("get", "pods"),
    "global-default",
    "global-default",
  ],
  [
    user("system:kube-scheduler"),
    request("update", "leases", { group: "coordination.k8s.io" }),
    "system-leader-election",
    "leader-election",
  ],
  [user("system:kube-scheduler"), request("list", "pods"), "kube-scheduler", "workload-high"],
  [
    user("system:node:n", "system:nodes"),
    request("patch", "nodes", { subresource: "status", namespace: "" }),
    "system-node-high",
    "node-high",
  ],
  [user("system:node:n", "system:nodes"), request("get", "pods"), "system-nodes", "system"],
  [
    account("kube-system", "job-controller"),
    request("create", "pods"),
    "kube-system-service-accounts",
    "workload-high",
  ],
  [account("team", "robot"), request("create", "pods"), "service-accounts", "workload-low"],
  [user("ann"), request("list", "pods", { namespace: "" }), "global-default", "global-default"],
  [{ name: "stray", groups: [] }, request("get", "pods"), "", ""],
])("who asks what decides: %o %o", (who, what, schema, level) => {
  const flows = createFlowControl({ timers: createManualTime() });
  flows.configure(withUids);
  const { headers } = flows.classify(who, what);
  expect(headers["X-Kubernetes-PF-FlowSchema-UID"] ?? "").toBe(schema && `s-${schema}`);
  expect(headers["X-Kubernetes-PF-PriorityLevel-UID"] ?? "").toBe(level && `l-${level}`);
});

const LEVEL: PriorityLevelConfiguration = {
  metadata: { name: "narrow", uid: "l" },
  spec: {
    type: "Limited",
    limited: {
      nominalConcurrencyShares: 1,
      limitResponse: { type: "Queue", queuing: { queues: 16, handSize: 2, queueLengthLimit: 5 } },
    },
  },
};
const SCHEMA: FlowSchema = {
  metadata: { name: "all", uid: "s" },
  spec: {
    priorityLevelConfiguration: { name: "narrow" },
    distinguisherMethod: { type: "ByUser" },
    rules: [
      {
        subjects: [{ kind: "Group", group: { name: AUTHENTICATED } }],
        resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
      },
    ],
  },
};

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

/** Clients of one narrow level, whose requests take as long as the test says. */
function table(seats: number, level = LEVEL) {
  const time = createManualTime();
  const flows: FlowControl = createFlowControl({ timers: time, seats });
  flows.configure({ schemas: [SCHEMA], levels: [level] });
  const seated: { name: string; seat: Seat }[] = [];
  const refused: string[] = [];
  const ask = (name: string, signal?: AbortSignal): void => {
    try {
      const entered = flows.classify(user(name), request("get", "pods")).enter(() => signal);
      if (!(entered instanceof Promise)) seated.push({ name, seat: entered });
      else entered.then((seat) => seated.push({ name, seat })).catch(() => refused.push(name));
    } catch {
      refused.push(name);
    }
  };
  /** The oldest one is done. */
  const finish = async () => {
    const first = seated.shift();
    first?.seat.leave();
    await turns();
    return first?.name;
  };
  const names = () => seated.map(({ name }) => name);
  return { time, flows, ask, finish, names, refused };
}

test("one client that floods its queues does not keep another from its seats", async () => {
  const { ask, finish, names, refused } = table(4);
  for (let at = 0; at < 100; at++) ask("noisy");
  await turns();
  expect(names()).toEqual(["noisy", "noisy", "noisy", "noisy"]);
  // Its hand holds two queues of five.
  expect(refused).toHaveLength(100 - 4 - 10);
  for (let at = 0; at < 3; at++) ask("quiet");
  await turns();
  expect(refused).not.toContain("quiet");
  for (let done = 0; done < 3; done++) await finish();
  expect(names().filter((name) => name === "quiet")).toHaveLength(2);
  while (names().length > 0) await finish();
  expect(refused).not.toContain("quiet");
});

test("seats are shared evenly while all want more, however long their requests take", async () => {
  const { ask, finish, names } = table(6);
  const clients = ["a", "b", "c"];
  const served = new Map<string, number>();
  for (let round = 0; round < 60; round++) {
    // One of them always asks for more than it can have.
    for (const client of clients) ask(client);
    ask("a");
    await turns();
    const done = (await finish()) ?? "";
    served.set(done, (served.get(done) ?? 0) + 1);
  }
  for (const client of clients)
    expect(names().filter((name) => name === client).length, client).toBeGreaterThanOrEqual(1);
  expect(Math.max(...served.values()) - Math.min(...served.values())).toBeLessThanOrEqual(8);
});

test("who waits for fifteen seconds, or goes away, waits no more", async () => {
  const { time, ask, finish, names, refused } = table(1);
  const gone = new AbortController();
  ask("a");
  ask("b", gone.signal);
  ask("c");
  gone.abort();
  await turns();
  expect(refused).toEqual(["b"]);
  time.advance(15_000);
  await turns();
  expect(refused).toEqual(["b", "c"]);
  expect(await finish()).toBe("a");
  expect(names()).toEqual([]);
  // Nothing is left of them.
  expect(time.pending).toBe(0);
  ask("d");
  expect(names()).toEqual(["d"]);
});

test("a level that does not queue refuses at once, with the words and the header of Kubernetes", () => {
  const limited = { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" } };
  const { flows, ask } = table(1, { ...LEVEL, spec: { type: "Limited", limited } });
  ask("a");
  const refusal = () => flows.classify(user("b"), request("get", "pods")).enter(none);
  expect(refusal).toThrow("Too many requests, please try again later.");
  try {
    void refusal();
  } catch (error) {
    expect(error).toMatchObject({ code: 429, details: { retryAfterSeconds: 1 } });
  }
});

const rejecting = (name: string, lendablePercent: number): PriorityLevelConfiguration => ({
  metadata: { name },
  spec: {
    type: "Limited",
    limited: { nominalConcurrencyShares: 1, lendablePercent, limitResponse: { type: "Reject" } },
  },
});
const schemaOf = (name: string): FlowSchema => ({
  ...SCHEMA,
  metadata: { name },
  spec: {
    ...SCHEMA.spec,
    priorityLevelConfiguration: { name },
    rules: SCHEMA.spec.rules?.map((rule) => ({ ...rule, subjects: [{ kind: "User", user: { name } }] })) ?? [],
  },
});

test("a level lends what it does not use, but not what it keeps", () => {
  const flows = createFlowControl({ timers: createManualTime(), seats: 20 });
  flows.configure({
    schemas: [schemaOf("lender"), schemaOf("taker")],
    levels: [rejecting("lender", 50), rejecting("taker", 0)],
  });
  const enter = (name: string): Seat | undefined => {
    try {
      return flows.classify(user(name), request("get", "pods")).enter(none) as Seat;
    } catch {
      return undefined;
    }
  };
  const seats = (name: string): Seat[] => {
    const taken: Seat[] = [];
    for (let seat = enter(name); seat; seat = enter(name)) taken.push(seat);
    return taken;
  };
  const borrowed = seats("taker");
  // Ten of its own, and the half of the other's ten.
  expect(borrowed).toHaveLength(15);
  expect(seats("lender")).toHaveLength(5);
  for (const seat of borrowed) seat.leave();
  expect(seats("lender")).toHaveLength(5);
});

test("a change of the configuration keeps who sits and who waits", async () => {
  const { flows, ask, names, refused } = table(1);
  for (let at = 0; at < 4; at++) ask("a");
  await turns();
  expect(names()).toHaveLength(1);
  flows.configure({ schemas: [SCHEMA], levels: [{ ...LEVEL, spec: { type: "Exempt" } }] });
  await turns();
  expect(names()).toHaveLength(4);
  expect(refused).toEqual([]);
  ask("b");
  expect(names()).toHaveLength(5);
});

test("hands are of different queues, the same for the same flow, and rarely shared", () => {
  const hands = Array.from({ length: 1_000 }, (_, at) => dealHand(`flow ${at}`, { deckSize: 128, handSize: 6 }));
  for (const hand of hands) {
    expect(new Set(hand).size).toBe(6);
    expect(hand.every((card) => card >= 0 && card < 128)).toBe(true);
  }
  expect(dealHand("flow 7", { deckSize: 128, handSize: 6 })).toEqual(hands[7]);
  const [noisy = [], ...others] = hands;
  expect(others.filter((hand) => hand.every((card) => noisy.includes(card)))).toEqual([]);
  expect(dealHand("x", { deckSize: 2, handSize: 8 }).toSorted((a, b) => a - b)).toEqual([0, 1]);
  const counts = new Map<number, number>();
  for (const card of hands.flat()) counts.set(card, (counts.get(card) ?? 0) + 1);
  expect(counts.size).toBe(128);
});
