import { describe, expect, it } from "vitest";
import type { Exchange, Services } from "../exchange.ts";
import type { ApiVerb } from "../request-info.ts";
import { assertMayOpen } from "./pod-target.ts";

describe("opening a stream into a pod", () => {
  it.each<[ApiVerb, number]>([
    ["get", 1],
    ["create", 0],
  ])("by %s asks %i more times for the permission to create", async (verb, times) => {
    let asked = 0;
    const services = { assertMayCreate: async () => void asked++ } as unknown as Services;
    await assertMayOpen(services, { info: { verb } } as Exchange);
    expect(asked).toBe(times);
  });
});
