/** The audit log of a cluster, for who looks after it from outside: what `GET /audit` of its API tells, in the pages of /v1. */
import { StatusError, type Status } from "../../../machinery/status-error.ts";
import { AccountsError } from "../../accounts.ts";
import { cursorOf } from "../../pages.ts";
import { INSIDE } from "../../transfer/served.ts";
import { clusterFor, route, type Route } from "../route.ts";
import type { Schema } from "../schema.ts";
import { openAsCaller } from "./clusters.ts";

const EVENT: Schema<object> = { json: { type: "object", description: "An Event of audit.k8s.io/v1." } };
const FILTERS = {
  user: "Of this user alone, as the cluster names them.",
  verb: "Such as create, delete, get.",
  resource: "Such as secrets, pods/exec, deployments.apps.",
  namespace: "Of this namespace alone.",
  since: "From this time on, as in RFC 3339.",
  until: "Before this time.",
};

interface EventList {
  metadata: { continue?: string };
  items: object[];
}

export const auditRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/clusters/{cluster}/audit",
    operationId: "listAuditEvents",
    summary:
      "Who did what in a cluster, newest first; a page may hold few, and yet more may follow; needs the role admin",
    query: FILTERS,
    answer: EVENT,
    paged: true,
    async handle(services, call) {
      const cluster = await clusterFor(services, call, "admin");
      const fetch = await openAsCaller(services, call, cluster);
      const { limit, after } = call.page;
      const asked = new URLSearchParams({ limit: String(limit) });
      for (const name of Object.keys(FILTERS)) {
        const value = call.query.get(name);
        if (value !== null) asked.set(name, value);
      }
      if (after.id !== "") asked.set("continue", `${after.createdMs}.${after.id}`);
      const response = await fetch(new Request(`${INSIDE}/audit?${asked}`));
      if (!response.ok) throw failureOf((await response.json()) as Status);
      const { items, metadata } = (await response.json()) as EventList;
      return { body: { items, next: metadata.continue === undefined ? null : cursorAt(metadata.continue) } };
    },
  }),
];

function failureOf(status: Status): Error {
  if (status.code === 400) return new AccountsError("invalid", status.message ?? "the query is none");
  return StatusError.fromStatus(status);
}

/** `position`: "<unix ms>.<id>". */
function cursorAt(position: string): string {
  const dot = position.indexOf(".");
  return cursorOf({ createdMs: Number(position.slice(0, dot)), id: position.slice(dot + 1) });
}
