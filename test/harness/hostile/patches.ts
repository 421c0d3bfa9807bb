/** Patches of each type, and applies. */
import { ITEMS_MAX, VALUES_MAX } from "../../../src/machinery/object-limits.ts";
import { BODY_CHARACTERS, entries, filled, MAPS, PODS, sending, STRICT, WARN, type HostileRequest } from "./request.ts";

const APPLY_TYPE = { "content-type": "application/apply-patch+yaml" };
const STRATEGIC = { "content-type": "application/strategic-merge-patch+json" };
const MERGE = { "content-type": "application/merge-patch+json" };
const JSON_PATCH = { "content-type": "application/json-patch+json" };

const patch = (
  name: string,
  {
    type,
    body,
    target = `${MAPS}/target`,
    query = "?dryRun=All",
    ...expected
  }: {
    type: Record<string, string>;
    body: () => string;
    target?: string;
    query?: string;
  } & Pick<HostileRequest, "status">,
): HostileRequest => ({
  name,
  path: target + query,
  init: sending(body, { method: "PATCH", headers: type }),
  ...expected,
});

const APPLY = "?dryRun=All&fieldManager=me&force=true";
const podWith = (more: string, containers = `{"name":"a","image":"i"}`): string =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"target"},"spec":{"containers":[${containers}]${more}}}`;
const targetMap = (more: string): string =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"target"},${more}}`;

export const PATCHES: HostileRequest[] = [
  patch("apply: many keys", {
    type: APPLY_TYPE,
    query: APPLY,
    body: () => targetMap(`"data":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}`),
    status: 200,
  }),
  patch("apply: many keys, new", {
    type: APPLY_TYPE,
    query: APPLY,
    target: `${MAPS}/fresh`,
    body: () => targetMap(`"data":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}`).replace("target", "fresh"),
    status: 201,
  }),
  patch("apply: unknown fields", {
    type: APPLY_TYPE,
    query: APPLY,
    body: () => targetMap(`"data":{},${filled(BODY_CHARACTERS, (at) => `"u${at}":0`)}`),
    status: 400,
  }),
  patch("apply: a set", {
    type: APPLY_TYPE,
    query: APPLY,
    body: () =>
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"target","finalizers":[${entries(ITEMS_MAX, (at) => `"x.y/k${at}"`)}]}}`,
    status: 200,
  }),
  patch("apply: a set of one", {
    type: APPLY_TYPE,
    query: APPLY,
    body: () =>
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"target","finalizers":[${entries(ITEMS_MAX, () => `"x.y/k"`)}]}}`,
    status: 400,
  }),
  patch("apply: containers", {
    type: APPLY_TYPE,
    query: APPLY,
    target: `${PODS}/target`,
    body: () =>
      podWith(
        "",
        entries(ITEMS_MAX / 5, (at) => `{"name":"c${at}","image":"i"}`),
      ),
    status: 422,
  }),
  patch("apply: ports", {
    type: APPLY_TYPE,
    query: APPLY,
    target: `${PODS}/target`,
    body: () =>
      podWith("", `{"name":"a","image":"i","ports":[${entries(ITEMS_MAX, (at) => `{"containerPort":${at}}`)}]}`),
    status: 413,
  }),
  patch("apply: the same port", {
    type: APPLY_TYPE,
    query: APPLY,
    target: `${PODS}/target`,
    body: () => podWith("", `{"name":"a","image":"i","ports":[${entries(ITEMS_MAX, () => `{"containerPort":1}`)}]}`),
    status: 400,
  }),
  patch("apply: env", {
    type: APPLY_TYPE,
    query: APPLY,
    target: `${PODS}/target`,
    body: () => podWith("", `{"name":"a","image":"i","env":[${entries(ITEMS_MAX, (at) => `{"name":"E${at}"}`)}]}`),
    status: 413,
  }),
  patch("apply: YAML", {
    type: APPLY_TYPE,
    query: APPLY,
    body: () =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: target}\ndata:\n${entries(ITEMS_MAX, (at) => `  k${at}: v`, "\n")}`,
    status: 200,
  }),
  patch("strategic: containers", {
    type: STRATEGIC,
    target: `${PODS}/target`,
    body: () => `{"spec":{"containers":[${entries(ITEMS_MAX / 5, (at) => `{"name":"c${at}","image":"i"}`)}]}}`,
    status: 422,
  }),
  patch("strategic: the same container", {
    type: STRATEGIC,
    target: `${PODS}/target`,
    body: () => `{"spec":{"containers":[${entries(ITEMS_MAX / 5, () => `{"name":"c","image":"i"}`)}]}}`,
    status: 422,
  }),
  patch("strategic: an order", {
    type: STRATEGIC,
    target: `${PODS}/target`,
    body: () => `{"spec":{"$setElementOrder/containers":[${filled(BODY_CHARACTERS, (at) => `{"name":"c${at}"}`)}]}}`,
    status: 200,
  }),
  patch("strategic: an order that does not fit", {
    type: STRATEGIC,
    target: `${PODS}/target`,
    body: () =>
      `{"spec":{"$setElementOrder/containers":[${entries(VALUES_MAX / 4, (at) => `{"name":"c${at}"}`)}],"containers":[${entries(VALUES_MAX / 4, (at) => `{"name":"d${at}"}`)}]}}`,
    status: 400,
  }),
  patch("strategic: deletions", {
    type: STRATEGIC,
    target: `${PODS}/target`,
    body: () => `{"spec":{"containers":[${filled(BODY_CHARACTERS, (at) => `{"name":"c${at}","$patch":"delete"}`)}]}}`,
    status: 200,
  }),
  patch("strategic: primitives", {
    type: STRATEGIC,
    body: () => `{"metadata":{"finalizers":[${entries(ITEMS_MAX, (at) => `"x.y/k${at}"`)}]}}`,
    status: 200,
  }),
  patch("strategic: primitives deleted", {
    type: STRATEGIC,
    body: () =>
      `{"metadata":{"$deleteFromPrimitiveList/finalizers":[${filled(BODY_CHARACTERS, (at) => `"x.y/k${at}"`)}]}}`,
    status: 200,
  }),
  patch("strategic: a wrong type", {
    type: STRATEGIC,
    body: () => `{"data":{"a":{${filled(BODY_CHARACTERS, (at) => `"k${at}":0`)}}}}`,
    status: 422,
  }),
  patch("strategic: unknown fields, strictly", {
    type: STRATEGIC,
    query: STRICT,
    body: () => `{${filled(BODY_CHARACTERS, (at) => `"k${at}":0`)}}`,
    status: 422,
  }),
  patch("merge: many keys", {
    type: MERGE,
    body: () => `{"data":{${entries(ITEMS_MAX, (at) => `"k${at}":"v"`)}}}`,
    status: 200,
  }),
  patch("merge: a wrong type", {
    type: MERGE,
    body: () => `{"data":{"a":{${filled(BODY_CHARACTERS, (at) => `"k${at}":0`)}}}}`,
    status: 422,
  }),
  patch("merge: nulls", {
    type: MERGE,
    body: () => `{"data":{${filled(BODY_CHARACTERS, (at) => `"k${at}":null`)}}}`,
    status: 200,
  }),
  patch("merge: unknown fields, strictly", {
    type: MERGE,
    query: STRICT,
    body: () => `{${filled(BODY_CHARACTERS, (at) => `"k${at}":0`)}}`,
    status: 422,
  }),
  patch("merge: duplicates, warned of", {
    type: MERGE,
    query: WARN,
    body: () => `{"data":{${filled(BODY_CHARACTERS, (at) => `"k${at >> 1}":null`)}}}`,
    status: 200,
  }),
  patch("JSON patch: more operations than there may be", {
    type: JSON_PATCH,
    body: () => `[${filled(BODY_CHARACTERS, () => `{"op":"x"}`)}]`,
    status: 413,
  }),
  patch("JSON patch: additions", {
    type: JSON_PATCH,
    body: () => operations(9_900, (at) => `{"op":"add","path":"/data/k${at}","value":"v"}`),
    status: 200,
  }),
  patch("JSON patch: unknown members, strictly", {
    type: JSON_PATCH,
    query: STRICT,
    body: () => `[{"op":"test","path":"",${filled(BODY_CHARACTERS, (at) => `"k${at}":0`)}}]`,
    status: 422,
  }),
  patch("JSON patch: insertions at the front", {
    type: JSON_PATCH,
    body: () => listPatch(`{"op":"add","path":"/data/a/0","value":0}`),
    status: 422,
  }),
  patch("JSON patch: removals at the front", {
    type: JSON_PATCH,
    body: () => listPatch(`{"op":"remove","path":"/data/a/0"}`),
    status: 422,
  }),
  patch("JSON patch: moves to the front", {
    type: JSON_PATCH,
    body: () => listPatch(`{"op":"move","from":"/data/a/-1","path":"/data/a/0"}`),
    status: 422,
  }),
  patch("JSON patch: copies", {
    type: JSON_PATCH,
    body: () =>
      `[{"op":"add","path":"/data/a","value":[0]},${Array.from({ length: 30 }, () => `{"op":"copy","from":"/data/a","path":"/data/a/-"}`).join(",")}]`,
    status: 422,
  }),
  patch("JSON patch: copies of a little", {
    type: JSON_PATCH,
    body: () =>
      `[{"op":"add","path":"/data/a","value":{${filled(300, (at) => `"k${at}":0`)}}},${operations(9_900, (at) => `{"op":"copy","from":"/data/a","path":"/data/b${at}"}`).slice(1)}`,
    status: 422,
  }),
  patch("JSON patch: tests of the whole", {
    type: JSON_PATCH,
    body: () =>
      `[{"op":"add","path":"/data/a","value":{${entries(7_000, (at) => `"k${at}":0`)}}},${operations(8_200, () => `{"op":"test","path":"/data/b","value":null}`).slice(1)}`,
    status: 422,
  }),
  patch("JSON patch: deep paths", {
    type: JSON_PATCH,
    body: () => operations(9_999, () => `{"op":"test","path":"${"/a".repeat(120)}"}`),
    status: 422,
  }),
  patch("JSON patch: one long path", {
    type: JSON_PATCH,
    body: () => `[{"op":"test","path":"${"/a".repeat(BODY_CHARACTERS / 2 - 100)}"}]`,
    status: 422,
  }),
];

function operations(count: number, operation: (at: number) => string): string {
  return `[${Array.from({ length: count }, (_, at) => operation(at)).join(",")}]`;
}

/** A list of hundreds of thousands, and as many operations as there may be on it. */
function listPatch(operation: string): string {
  const rest = Array.from({ length: 1_500 }, () => operation).join(",");
  return `[{"op":"add","path":"/data/a","value":[${entries(30_000, () => "0")}]},${rest}]`;
}
