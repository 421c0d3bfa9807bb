/** What single kinds make much of, and bodies of protobuf. */
import { ITEMS_MAX, SPECIAL_WEIGHT, VALUES_MAX } from "../../../src/machinery/object-limits.ts";
import { entries, MAPS, PODS, sending, STRICT, type HostileRequest } from "./request.ts";

const kind = (
  name: string,
  { path, body, status }: { path: string; body: () => string; status: number },
): HostileRequest => ({ name: `kind: ${name}`, path: path + STRICT, init: sending(body), status });

const NAMESPACE = "/api/v1/namespaces/default";
const pod = (container: string, more = ""): string =>
  `{"metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"i"${container}}]${more}}}`;

export const KIND_BODIES: readonly HostileRequest[] = [
  kind("the text of a Secret", {
    path: `${NAMESPACE}/secrets`,
    body: () => `{"metadata":{"name":"x"},"stringData":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}}`,
    status: 201,
  }),
  kind("a quantity of a million digits that is none", {
    path: PODS,
    body: () => pod(`,"resources":{"limits":{"cpu":"${"1".repeat(1_000_000)}x"}}`),
    status: 400,
  }),
  kind("quantities", {
    path: PODS,
    body: () => pod(`,"resources":{"limits":{${entries(ITEMS_MAX / SPECIAL_WEIGHT, (at) => `"x.y/r${at}":"1"`)}}}`),
    status: 201,
  }),
  kind("limits, which become defaults", {
    path: `${NAMESPACE}/limitranges`,
    body: () =>
      `{"metadata":{"name":"x"},"spec":{"limits":[{"type":"Container","max":{${entries(ITEMS_MAX / SPECIAL_WEIGHT, (at) => `"x.y/r${at}":"1"`)}}}]}}`,
    status: 201,
  }),
  kind("containers", {
    path: PODS,
    body: () => pod(`},${entries(ITEMS_MAX / 5, (at) => `{"name":"c${at}","image":"i"}`)},{"name":"b","image":"i"`),
    status: 201,
  }),
  kind("containers of one name", {
    path: PODS,
    body: () => pod(`},${entries(ITEMS_MAX / 5, () => `{"name":"c","image":"i"}`)},{"name":"b","image":"i"`),
    status: 422,
  }),
  kind("mounts of volumes that are missing", {
    path: PODS,
    body: () => pod(`,"volumeMounts":[${entries(ITEMS_MAX / 2, (at) => `{"name":"v${at}","mountPath":"/a"}`)}]`),
    status: 422,
  }),
  kind("tolerations", {
    path: PODS,
    body: () => pod("", `,"tolerations":[${entries(ITEMS_MAX, (at) => `{"key":"k${at}"}`)}]`),
    status: 201,
  }),
  kind("ports of a Service", {
    path: `${NAMESPACE}/services`,
    body: () =>
      `{"metadata":{"name":"x"},"spec":{"ports":[${entries(ITEMS_MAX / 2, (at) => `{"name":"p${at}","port":${at + 1}}`)}]}}`,
    status: 201,
  }),
  kind("an address of a million colons", {
    path: `${NAMESPACE}/services`,
    body: () => `{"metadata":{"name":"x"},"spec":{"ports":[{"port":1}],"externalIPs":["${":".repeat(1_000_000)}"]}}`,
    status: 422,
  }),
  kind("rules of a role", {
    path: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    body: () =>
      `{"metadata":{"name":"x"},"rules":[${entries(ITEMS_MAX / 4, (at) => `{"apiGroups":[""],"resources":["r${at}"],"verbs":["get"]}`)}]}`,
    status: 201,
  }),
  kind("a hand that no deck holds", {
    path: "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
    body: () =>
      '{"metadata":{"name":"x"},"spec":{"type":"Limited","limited":{"limitResponse":{"type":"Queue","queuing":{"queues":1,"handSize":2147483647,"queueLengthLimit":1}}}}}',
    status: 422,
  }),
  kind("requirements of a selector", {
    path: "/apis/apps/v1/namespaces/default/deployments",
    body: () =>
      `{"metadata":{"name":"x"},"spec":{"selector":{"matchExpressions":[${entries(ITEMS_MAX, (at) => `{"key":"k${at}","operator":"Exists"}`)}]},"template":{"spec":{"containers":[{"name":"a","image":"i"}]}}}}`,
    status: 422,
  }),
  ...protobufBodies(),
];

/** Tag and length of a field with these bytes. */
function field(number: number, content: readonly number[]): number[] {
  const length = content.length;
  return [(number << 3) | 2, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, (length >> 14) & 0x7f, ...content];
}

const text = (value: string): number[] => [...new TextEncoder().encode(value)];

/** A ConfigMap whose metadata has these fields besides its name. */
function protobuf(fields: readonly number[]): Uint8Array {
  const type = field(1, [...field(1, text("v1")), ...field(2, text("ConfigMap"))]);
  const metadata = field(1, [...field(1, text("x")), ...fields]);
  return Uint8Array.from([...text("k8s"), 0, ...type, ...field(2, metadata)]);
}

function many(count: number, item: (at: number) => number[]): number[] {
  return Array.from({ length: count }, (_, at) => item(at)).flat();
}

function protobufBodies(): HostileRequest[] {
  const headers = { "content-type": "application/vnd.kubernetes.protobuf" };
  const body = (name: string, fields: () => number[], status: number): HostileRequest => ({
    name: `protobuf: ${name}`,
    path: MAPS + STRICT,
    init: sending(() => protobuf(fields()), { headers }),
    status,
  });
  return [
    body("more unknown fields than there may be", () => many(400_000, () => [0x78, 0x01]), 413),
    body("unknown fields", () => many(VALUES_MAX - 100, () => [0x78, 0x01]), 201),
    body("finalizers", () => many(ITEMS_MAX - 10, (at) => field(14, text(`x.y/${at}`))), 201),
    body("a length beyond its end", () => [0x0a, 0xff, 0xff, 0xff, 0x7f], 400),
  ];
}
