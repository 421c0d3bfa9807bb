import { beforeEach, describe, expect, it } from "vitest";
import { forbidden, notFound } from "../machinery/status-error.ts";
import { createAuthorization, type Authorization } from "./authorization.ts";
import type { Policy } from "./rbac/policy.ts";

const REFUSED = forbidden({ group: "", resource: "pods" }, "", "no");

/** The database's policy, and what this process knows of it. */
let truth: { revision: number; allows: boolean };
let known: { revision: number; allows: boolean };
let checks: number;
let nowMs: number;
let asked: NonNullable<Policy["asked"]> & { begun: number; answered: number; answeredMs: number };
let policy: Policy & { seen: number };
let authorization: Authorization;

/** What any read of the request does on its way. */
function read(): void {
  asked.answered = ++asked.begun;
  asked.answeredMs = nowMs;
  policy.seen = Math.max(policy.seen, truth.revision);
}

/** As the authorizer: by what is known, which is read again once it is known to be old. */
async function question(): Promise<{ revision: number }> {
  if (policy.seen > known.revision) known = { ...truth };
  await Promise.resolve();
  if (!known.allows) throw REFUSED;
  return { revision: known.revision };
}

beforeEach(() => {
  truth = { revision: 1, allows: true };
  known = { ...truth };
  checks = 0;
  nowMs = 100_000;
  asked = {
    begun: 0,
    answered: 0,
    answeredMs: 0,
    async check() {
      checks++;
      await Promise.resolve();
      read();
    },
  };
  policy = { seen: 1, current: () => Promise.reject(new Error("asked through the questions")), asked };
  const authorizer = { authorize: () => Promise.reject(new Error("not asked")) };
  authorization = createAuthorization({ policy, authorizer, clock: { now: () => nowMs } });
});

describe("what was allowed", () => {
  it("needs nothing more where a read has told that the policy stands", async () => {
    await authorization.assert(question);
    read();
    await authorization.confirm();
    expect([checks, authorization.condition()]).toEqual([0, { kind: "policy", revision: 1 }]);
  });

  it("is asked for where nothing was read, unless it may be old", async () => {
    await authorization.assert(question);
    await authorization.confirm();
    expect(checks).toBe(1);
    const later = createAuthorization({
      policy,
      authorizer: { authorize: () => Promise.reject(REFUSED) },
      clock: { now: () => nowMs },
    });
    await later.assert(question);
    nowMs += 4_999;
    await later.confirm({ staleMs: 5_000 });
    expect(checks).toBe(1);
    nowMs += 1;
    await later.confirm({ staleMs: 5_000 });
    expect(checks).toBe(2);
  });

  it("is refused where the policy has moved against it, and stands where it moved otherwise", async () => {
    await authorization.assert(question);
    truth = { revision: 5, allows: true };
    read();
    await authorization.confirm();
    expect(authorization.condition()).toEqual({ kind: "policy", revision: 5 });
    truth = { revision: 6, allows: false };
    read();
    await expect(authorization.confirm()).rejects.toBe(REFUSED);
  });

  it("is not asked for again once it was written", async () => {
    await authorization.assert(question);
    authorization.settle();
    truth = { revision: 5, allows: false };
    read();
    await authorization.confirm();
  });

  it("holds writes to the old policy until all is asked again", async () => {
    await authorization.assert(question);
    truth = { revision: 5, allows: true };
    const renewed = authorization.renew();
    await Promise.resolve();
    await Promise.resolve();
    expect(authorization.condition()).toEqual({ kind: "policy", revision: 1 });
    await renewed;
    expect(authorization.condition()).toEqual({ kind: "policy", revision: 5 });
  });

  it("rests on one policy, however often that moves between two questions", async () => {
    let moves = 3;
    const moving = async (): Promise<{ revision: number }> => {
      if (moves-- > 0) {
        truth = { revision: truth.revision + 1, allows: true };
        read();
      }
      return await question();
    };
    await authorization.assert(question);
    await authorization.assert(moving);
    await authorization.renew();
    expect(authorization.condition()).toEqual({ kind: "policy", revision: truth.revision });
  });
});

describe("what was refused", () => {
  it("because a role is not there is asked again by the policy as it is", async () => {
    truth = { revision: 2, allows: true };
    await authorization.assert(async () => {
      const decision = await question();
      if (decision.revision < 2) throw notFound({ group: "rbac.authorization.k8s.io", resource: "role" }, "new");
      return decision;
    });
    expect([checks, authorization.condition()]).toEqual([1, { kind: "policy", revision: 2 }]);
  });

  it("is refused by the policy as it is", async () => {
    truth = { revision: 1, allows: false };
    known = { ...truth };
    await expect(authorization.assert(question)).rejects.toBe(REFUSED);
    expect(checks).toBe(1);
  });

  it("is allowed where that has just been given", async () => {
    known = { revision: 1, allows: false };
    truth = { revision: 2, allows: true };
    await authorization.assert(question);
    expect(authorization.condition()).toEqual({ kind: "policy", revision: 2 });
  });
});

describe("where every change is announced", () => {
  it("nothing is asked for, and writes hold on to nothing", async () => {
    const { asked: _asked, ...announced } = policy;
    const alone = createAuthorization({
      policy: announced,
      authorizer: { authorize: () => Promise.reject(REFUSED) },
      clock: { now: () => 0 },
    });
    await alone.assert(question);
    await alone.confirm();
    expect([checks, alone.condition(), alone.restsOnPolicy]).toEqual([0, undefined, false]);
  });
});
