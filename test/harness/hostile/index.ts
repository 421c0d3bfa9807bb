import { DEFINITIONS } from "./definitions.ts";
export { type HostileRequest } from "./request.ts";
import { JSON_BODIES } from "./json-bodies.ts";
import { KIND_BODIES } from "./kinds.ts";
import { PATCHES } from "./patches.ts";
import { QUERIES } from "./queries.ts";
import { MAPS, PODS, type HostileRequest } from "./request.ts";
import { YAML_BODIES } from "./yaml-bodies.ts";

export const HOSTILE_REQUESTS: readonly HostileRequest[] = [
  ...JSON_BODIES,
  ...YAML_BODIES,
  ...PATCHES,
  ...KIND_BODIES,
  ...DEFINITIONS,
  ...QUERIES,
];

/** What there has to be: most patches are for it. */
export const TARGETS: readonly { path: string; body: object }[] = [
  { path: "/api/v1/namespaces/default/serviceaccounts", body: { metadata: { name: "default" } } },
  { path: MAPS, body: { metadata: { name: "target" }, data: { a: "1" } } },
  { path: PODS, body: { metadata: { name: "target" }, spec: { containers: [{ name: "a", image: "i" }] } } },
];
