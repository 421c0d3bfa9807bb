import { describe, expect, test } from "vitest";
import { createPodNetworks, type PodNetworks } from "./pod-networks.ts";

const FOUR = { podCidr: "10.244.0.0/22", nodePodCidrBits: 24 };

/** Gives out what `next` names, as the controller does when it sees the node with it. */
function take(networks: PodNetworks): string | undefined {
  const cidr = networks.next();
  if (cidr !== undefined) networks.hold(cidr);
  return cidr;
}

test("one after the other, none twice, and an end", () => {
  const networks = createPodNetworks(FOUR);
  const given = Array.from({ length: 5 }, () => take(networks));
  expect(given).toEqual(["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24", undefined]);
  networks.release("10.244.2.0/24");
  expect([networks.free, take(networks), take(networks)]).toEqual([1, "10.244.2.0/24", undefined]);
});

test("what was just released rests as long as there is another", () => {
  const networks = createPodNetworks(FOUR);
  take(networks);
  networks.release("10.244.0.0/24");
  expect(networks.next()).toBe("10.244.1.0/24");
});

describe("what is held", () => {
  test.each<[string, string[], number]>([
    ["one of them", ["10.244.1.0/24"], 3],
    ["a part of one", ["10.244.1.128/25"], 3],
    ["two at once", ["10.244.2.0/23"], 2],
    ["all and more", ["10.0.0.0/8"], 0],
    ["one by two nodes", ["10.244.1.0/24", "10.244.1.0/24"], 3],
    ["the range of Services beside it", ["10.96.0.0/12"], 4],
    ["the other family, none, and nonsense", ["fd00::/64", "", "10.244.1.0", "10.244.1.0/99"], 4],
  ])("%s", (_name, held, free) => {
    const networks = createPodNetworks(FOUR);
    for (const cidr of held) networks.hold(cidr);
    expect(networks.free).toBe(free);
    for (const cidr of held) networks.release(cidr);
    expect(networks.free).toBe(4);
  });

  test("two hold one: it is free when both are gone", () => {
    const networks = createPodNetworks({ podCidr: "10.244.0.0/24", nodePodCidrBits: 24 });
    networks.hold("10.244.0.0/24");
    networks.hold("10.244.0.0/24");
    networks.release("10.244.0.0/24");
    expect(networks.next()).toBeUndefined();
    networks.release("10.244.0.0/24");
    expect(networks.next()).toBe("10.244.0.0/24");
  });
});

test("five thousand nodes cost as many looks, and not the square of it, also after a start among many", () => {
  const cluster = { podCidr: "10.0.0.0/8", nodePodCidrBits: 24 };
  const first = createPodNetworks(cluster);
  const held = Array.from({ length: 5_000 }, () => take(first));
  expect([new Set(held).size, first.looks]).toEqual([5_000, 5_000]);

  const restarted = createPodNetworks(cluster);
  for (const cidr of held) restarted.hold(cidr ?? "");
  for (let more = 0; more < 5_000; more++) take(restarted);
  expect([restarted.free, restarted.looks]).toEqual([65_536 - 10_000, 10_000]);
});

test("where nothing is left nobody looks any more", () => {
  const networks = createPodNetworks(FOUR);
  for (let node = 0; node < 5_000; node++) take(networks);
  expect(networks.looks).toBe(4);
});

test("a range smaller than one network is told at once", () => {
  expect(() => createPodNetworks({ podCidr: "10.244.0.0/25", nodePodCidrBits: 24 })).toThrow("has no network");
});
