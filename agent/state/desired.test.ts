import { expect, test } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { SyncResponse } from "../../src/relay/protocol.ts";
import { createDesired } from "./desired.ts";

const at = (name: string) => ({ namespace: "a", name });
const object = (name: string, resourceVersion = "1"): KubeObject => ({ metadata: { ...at(name), resourceVersion } });
const pod = (name: string, secret: string): KubeObject => ({
  metadata: { ...at(name), uid: name },
  spec: { containers: [], imagePullSecrets: [{ name: secret }] },
});
const answer = (of: Partial<SyncResponse>): SyncResponse => ({
  revision: 1,
  full: false,
  node: undefined,
  pods: [],
  removedPods: [],
  secrets: [],
  configMaps: [],
  services: [],
  endpointSlices: [],
  removedServices: [],
  removedEndpointSlices: [],
  statusResults: [],
  ...of,
});
const absent = (...names: string[]) => ({ secrets: names.map(at), configMaps: [] });

test("what is absent is remembered until it comes, nobody wants it any more, or all is told anew", () => {
  const desired = createDesired();
  const lacked = (of: Partial<SyncResponse>) => {
    desired.apply(answer(of));
    return desired.lacks().secrets.map(({ name }) => name);
  };
  const pods = [pod("p", "s"), pod("q", "t")];
  expect(lacked({ full: true, pods, absent: absent("s", "t") })).toEqual(["s", "t"]);
  expect(lacked({})).toEqual(["s", "t"]);
  expect(lacked({ secrets: [object("s")] })).toEqual(["t"]);
  expect(lacked({ absent: absent("s") })).toEqual(["t", "s"]);
  expect(lacked({ removedPods: [{ ...at("q"), uid: "q" }] })).toEqual(["s"]);
  // One that is named and that no pod of this node refers to is not kept.
  expect(lacked({ absent: absent("foreign") })).toEqual(["s"]);
  expect(lacked({ full: true, pods })).toEqual([]);
});
