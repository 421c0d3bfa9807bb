import { AccountsError, type ClusterRecord } from "../../accounts.ts";
import { clusterUrl } from "../../front-door.ts";
import { userIn } from "../../principals.ts";
import { exportCluster } from "../../transfer/export.ts";
import { importObjects } from "../../transfer/import.ts";
import {
  assertNotOfOneCluster,
  assertRole,
  clusterFor,
  nothingHere,
  route,
  timeOf,
  type Call,
  type Route,
  type Services,
} from "../route.ts";
import { list, nullable, object, oneOf, text } from "../schema.ts";

/** A DNS label, so that it may stand in names and files everywhere. */
const NAME = text({ minLength: 1, maxLength: 63, pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" });
const CLUSTER = object({
  id: text(),
  name: NAME,
  organisation: text(),
  state: oneOf(["creating", "ready", "deleting"]),
  server: text({ description: "What a kubeconfig names as its server." }),
  certificateAuthority: nullable(text({ description: "PEM; null where the public authorities signed." })),
  createdAt: text({ format: "date-time" }),
});
const YAML = "application/yaml";
const IMPORT_BYTES_MAX = 16 * 1024 * 1024;

function shown({ baseUrl, serverCa }: Services, cluster: ClusterRecord): object {
  const { id, name, organisation, state, createdMs } = cluster;
  const access = { server: clusterUrl(baseUrl, id), certificateAuthority: serverCa ?? null };
  return { id, name, organisation, state, ...access, createdAt: timeOf(createdMs) };
}

/** Its API as the caller: what they may not read there, they do not get here. */
export async function openAsCaller(services: Services, call: Call, cluster: ClusterRecord) {
  const user = userIn(cluster, call.principal);
  if (!user || cluster.state !== "ready") throw nothingHere();
  const api = await services.host.open(cluster);
  return api.fetchAs({ ...user, groups: [...user.groups, "system:authenticated"] });
}

export const clusterRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/clusters",
    operationId: "listClusters",
    summary: "The clusters of one organisation, or of all that the caller belongs to",
    query: { organisation: "Of this one alone." },
    answer: CLUSTER,
    paged: true,
    async handle(services, { principal, page, query }) {
      assertNotOfOneCluster(principal);
      const organisation = query.get("organisation");
      if (organisation !== null) assertRole(principal, organisation, "viewer");
      const of = organisation === null ? [...principal.roles.keys()] : [organisation];
      const { items, next } = await services.clusters.list(of, page);
      return { body: { items: items.map((cluster) => shown(services, cluster)), next } };
    },
  }),
  route({
    method: "POST",
    path: "/v1/clusters",
    operationId: "createCluster",
    summary: "A new cluster, whose API is ready with the answer; needs the role admin",
    body: object({ name: NAME, organisation: text() }),
    answer: CLUSTER,
    status: 201,
    creates: {},
    async handle(services, { principal, body, key }) {
      assertRole(principal, body.organisation, "admin");
      const cluster = await services.clusters.create({ ...body, key });
      return { status: 201, body: shown(services, cluster) };
    },
  }),
  route({
    method: "GET",
    path: "/v1/clusters/{cluster}",
    operationId: "getCluster",
    summary: "One cluster",
    answer: CLUSTER,
    handle: async (services, call) => ({ body: shown(services, await clusterFor(services, call, "viewer")) }),
  }),
  route({
    method: "PATCH",
    path: "/v1/clusters/{cluster}",
    operationId: "renameCluster",
    summary: "Another name, under the same address; needs the role admin",
    body: object({ name: NAME }),
    answer: CLUSTER,
    async handle(services, call) {
      const { id } = await clusterFor(services, call, "admin");
      return { body: shown(services, await services.clusters.rename(id, call.body.name)) };
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/clusters/{cluster}",
    operationId: "deleteCluster",
    summary: "Gone, with its database and tokens; needs the role admin",
    query: { confirm: "The cluster's name, typed." },
    status: 204,
    async handle(services, call) {
      const { id, name } = await clusterFor(services, call, "admin");
      if (call.query.get("confirm") !== name)
        throw new AccountsError("invalid", "nothing was deleted: confirm must be the cluster's name");
      await services.clusters.delete(id);
      return { status: 204 };
    },
  }),
  route({
    method: "GET",
    path: "/v1/clusters/{cluster}/export",
    operationId: "exportCluster",
    summary: "All objects that somebody has made, as YAML that any cluster takes; needs the role admin",
    answer: text(),
    answerType: YAML,
    async handle(services, call) {
      const cluster = await clusterFor(services, call, "admin");
      const fetch = await openAsCaller(services, call, cluster);
      const headers = {
        "content-type": YAML,
        "content-disposition": `attachment; filename="${cluster.name}.yaml"`,
        "cache-control": "no-store",
      };
      return new Response(await exportCluster(fetch), { headers });
    },
  }),
  route({
    method: "POST",
    path: "/v1/clusters/{cluster}/import",
    operationId: "importObjects",
    summary: "Applies every object of a YAML stream, as the caller; needs the role admin",
    body: text(),
    bodyType: YAML,
    answer: object({
      applied: text({ description: "How many." }),
      failed: list(object({ object: text(), message: text() })),
    }),
    async handle(services, call) {
      const cluster = await clusterFor(services, call, "admin");
      const fetch = await openAsCaller(services, call, cluster);
      const bytes = await readBody(call.request, IMPORT_BYTES_MAX);
      return { body: await importObjects(fetch, new TextDecoder().decode(bytes)) };
    },
  }),
  route({
    method: "POST",
    path: "/v1/clusters/{cluster}/restore",
    operationId: "restoreCluster",
    summary: "All objects as they were at this time, as far as the history reaches back; needs the role admin",
    query: { confirm: "The cluster's name, typed." },
    body: object({ to: text({ format: "date-time" }) }),
    answer: object({ cluster: CLUSTER, resourceVersion: text() }),
    async handle(services, call) {
      const cluster = await clusterFor(services, call, "admin");
      if (cluster.state !== "ready") throw new AccountsError("conflict", "the cluster is not ready");
      if (call.query.get("confirm") !== cluster.name)
        throw new AccountsError("invalid", "nothing was changed: confirm must be the cluster's name");
      const toMs = Date.parse(call.body.to);
      if (toMs > services.clock.now()) throw new AccountsError("invalid", "that time has not come yet");
      if (toMs < cluster.changedMs) throw new AccountsError("conflict", "the cluster was not there yet");
      const { revision } = await services.host.restore(cluster, toMs);
      return { body: { cluster: shown(services, cluster), resourceVersion: String(revision) } };
    },
  }),
];

/** @throws AccountsError "too-large" */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = (): AccountsError => new AccountsError("too-large", `a body has at most ${bytesMax} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || !value) break;
    length += value.length;
    if (length > bytesMax) {
      await reader?.cancel();
      throw tooLarge();
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
