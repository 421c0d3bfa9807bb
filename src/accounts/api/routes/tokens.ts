import { AccountsError, type ApiToken, type Principal, type Role } from "../../accounts.ts";
import type { NewToken } from "../../tokens.ts";
import { rank } from "../../principals.ts";
import {
  assertRole,
  clusterFor,
  nothingHere,
  personOf,
  route,
  timeOf,
  timeOrNull,
  type Call,
  type Route,
  type Services,
} from "../route.ts";
import { nullable, object, oneOf, text } from "../schema.ts";
import { ROLE } from "./members.ts";
import { NAME } from "./organisations.ts";

const EXPIRES = nullable(text({ format: "date-time", description: "Null: until it is revoked." }));
const SCOPE = {
  organisation: nullable(text({ description: "The only one it is good for." })),
  cluster: nullable(text({ description: "The only one it is good for." })),
};
const TOKEN = object(
  {
    id: text(),
    kind: oneOf(["person", "robot", "cluster"]),
    name: NAME,
    role: ROLE,
    ...SCOPE,
    createdAt: text({ format: "date-time" }),
    expiresAt: EXPIRES,
    lastUsedAt: nullable(text({ format: "date-time", description: "To the minute." })),
  },
  { token: text({ description: "The token itself. Shown once." }) },
);

function shown(token: ApiToken): object {
  const { id, kind, name, role, organisation, cluster, createdMs, expiresMs, lastUsedMs } = token;
  const times = { createdAt: timeOf(createdMs), expiresAt: timeOrNull(expiresMs), lastUsedAt: timeOrNull(lastUsedMs) };
  return { id, kind, name, role, organisation, cluster, ...times };
}

/** @throws AccountsError "invalid" for what has passed */
function expiryOf({ clock }: Services, expiresAt: string | null | undefined): number | null {
  if (expiresAt === undefined || expiresAt === null) return null;
  const expiresMs = Date.parse(expiresAt);
  if (expiresMs <= clock.now()) throw new AccountsError("invalid", "expiresAt is in the past");
  return expiresMs;
}

async function created({ tokens }: Services, token: NewToken): Promise<{ status: number; body: object }> {
  const made = await tokens.create(token);
  return { status: 201, body: { ...shown(made.token), token: made.text } };
}

async function page({ tokens }: Services, of: Parameters<Services["tokens"]["list"]>[0], call: Call) {
  const { items, next } = await tokens.list(of, call.page);
  return { body: { items: items.map(shown), next } };
}

/** Nobody gives away more than they have. */
function assertHolds(principal: Principal, organisation: string, role: Role): void {
  assertRole(principal, organisation, "admin");
  const held = principal.roles.get(organisation);
  if (held === undefined || rank(held) < rank(role))
    throw new AccountsError("forbidden", `a token of the role ${role} is more than yours`);
}

function assertMayRevoke({ principal }: Call, token: ApiToken): void {
  if (principal.tokenId === token.id) return;
  if (token.kind === "person") {
    if (principal.kind !== "session" || principal.person !== token.person) throw nothingHere();
    return;
  }
  if (token.organisation === null) throw nothingHere();
  assertRole(principal, token.organisation, "admin");
}

export const tokenRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/tokens",
    operationId: "listOwnTokens",
    summary: "The caller's own tokens",
    answer: TOKEN,
    paged: true,
    handle: async (services, call) => await page(services, { person: personOf(call.principal) }, call),
  }),
  route({
    method: "POST",
    path: "/v1/tokens",
    operationId: "createOwnToken",
    summary: "A token that acts as the caller, with at most this role",
    body: object({ name: NAME, role: ROLE }, { ...SCOPE, expiresAt: EXPIRES }),
    answer: TOKEN,
    status: 201,
    creates: { secret: "token" },
    async handle(services, { principal, body }) {
      const person = personOf(principal);
      if (principal.kind !== "session") throw new AccountsError("forbidden", "log in to make tokens of your own");
      const { name, role, organisation = null, cluster = null } = body;
      if (organisation !== null) assertRole(principal, organisation, "viewer");
      if (cluster !== null) await clusterFor(services, { params: { cluster }, principal }, "viewer");
      const expiresMs = expiryOf(services, body.expiresAt);
      return await created(services, { kind: "person", name, person, organisation, cluster, role, expiresMs });
    },
  }),
  route({
    method: "GET",
    path: "/v1/organisations/{organisation}/tokens",
    operationId: "listRobots",
    summary: "The organisation's robots; needs the role admin",
    answer: TOKEN,
    paged: true,
    async handle(services, call) {
      const { organisation = "" } = call.params;
      assertRole(call.principal, organisation, "admin");
      return await page(services, { organisation }, call);
    },
  }),
  route({
    method: "POST",
    path: "/v1/organisations/{organisation}/tokens",
    operationId: "createRobot",
    summary: "A token of the organisation, which outlasts who made it; needs the role admin",
    body: object({ name: NAME, role: ROLE }, { expiresAt: EXPIRES }),
    answer: TOKEN,
    status: 201,
    creates: { secret: "token" },
    async handle(services, { principal, body, params: { organisation = "" } }) {
      const { name, role } = body;
      assertHolds(principal, organisation, role);
      const expiresMs = expiryOf(services, body.expiresAt);
      const person = principal.person ?? principal.name;
      return await created(services, { kind: "robot", name, person, organisation, cluster: null, role, expiresMs });
    },
  }),
  route({
    method: "GET",
    path: "/v1/clusters/{cluster}/tokens",
    operationId: "listClusterTokens",
    summary: "The cluster's tokens; needs the role admin",
    answer: TOKEN,
    paged: true,
    async handle(services, call) {
      const { id } = await clusterFor(services, call, "admin");
      return await page(services, { cluster: id }, call);
    },
  }),
  route({
    method: "POST",
    path: "/v1/clusters/{cluster}/tokens",
    operationId: "createClusterToken",
    summary: "A token for the Kubernetes API of this cluster alone; needs the role admin",
    body: object({ name: NAME, role: ROLE }, { expiresAt: EXPIRES }),
    answer: TOKEN,
    status: 201,
    creates: { secret: "token" },
    async handle(services, call) {
      const { principal, body } = call;
      const { id: cluster, organisation } = await clusterFor(services, call, "admin");
      assertHolds({ ...principal, cluster: undefined }, organisation, body.role);
      const expiresMs = expiryOf(services, body.expiresAt);
      const person = principal.person ?? principal.name;
      const { name, role } = body;
      return await created(services, { kind: "cluster", name, person, organisation, cluster, role, expiresMs });
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/tokens/{token}",
    operationId: "revokeToken",
    summary: "No longer good, within five seconds everywhere",
    status: 204,
    async handle(services, call) {
      const token = await services.tokens.find(call.params["token"] ?? "");
      if (!token) throw nothingHere();
      assertMayRevoke(call, token);
      await services.tokens.revoke(token.id);
      return { status: 204 };
    },
  }),
];
