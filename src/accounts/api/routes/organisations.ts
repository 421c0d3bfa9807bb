import { AccountsError, type Organisation, type Role } from "../../accounts.ts";
import { assertNotOfOneCluster, assertRole, nothingHere, personOf, route, timeOf, type Route } from "../route.ts";
import { object, text } from "../schema.ts";

export const NAME = text({ minLength: 1, maxLength: 80, description: "For people." });
const ORGANISATION = object({
  id: text(),
  name: NAME,
  role: text({ description: "The caller's: viewer, developer, admin or owner." }),
  createdAt: text({ format: "date-time" }),
});

function shown(organisation: Organisation, role: Role): object {
  const { id, name, createdMs } = organisation;
  return { id, name, role, createdAt: timeOf(createdMs) };
}

export const organisationRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/organisations",
    operationId: "listOrganisations",
    summary: "The organisations that the caller belongs to",
    answer: ORGANISATION,
    paged: true,
    async handle({ organisations }, { principal, page }) {
      const { items, next } = await organisations.list([...principal.roles.keys()], page);
      return { body: { items: items.map((one) => shown(one, principal.roles.get(one.id) ?? "viewer")), next } };
    },
  }),
  route({
    method: "POST",
    path: "/v1/organisations",
    operationId: "createOrganisation",
    summary: "A new organisation, with the caller as its owner",
    body: object({ name: NAME }),
    answer: ORGANISATION,
    status: 201,
    creates: {},
    async handle({ organisations }, { principal, body }) {
      const owner = personOf(principal);
      // A token may have a smaller role than its person; it must not come by a larger one in this way.
      if (principal.kind !== "session") throw new AccountsError("forbidden", "log in to make an organisation");
      const organisation = await organisations.create({ name: body.name, owner });
      return { status: 201, body: shown(organisation, "owner") };
    },
  }),
  route({
    method: "GET",
    path: "/v1/organisations/{organisation}",
    operationId: "getOrganisation",
    summary: "One organisation",
    answer: ORGANISATION,
    async handle({ organisations }, { principal, params: { organisation: id = "" } }) {
      const role = principal.roles.get(id);
      const organisation = role && (await organisations.find(id));
      if (!organisation) throw nothingHere();
      return { body: shown(organisation, role) };
    },
  }),
  route({
    method: "PATCH",
    path: "/v1/organisations/{organisation}",
    operationId: "renameOrganisation",
    summary: "Another name; needs the role admin",
    body: object({ name: NAME }),
    answer: ORGANISATION,
    async handle({ organisations }, { principal, body, params: { organisation: id = "" } }) {
      assertRole(principal, id, "admin");
      const organisation = await organisations.rename(id, body.name);
      if (!organisation) throw nothingHere();
      return { body: shown(organisation, principal.roles.get(id) ?? "viewer") };
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/organisations/{organisation}",
    operationId: "deleteOrganisation",
    summary: "Gone, with its members' access, invitations and tokens; needs the role owner, and no clusters left",
    status: 204,
    async handle({ organisations }, { principal, params: { organisation: id = "" } }) {
      assertNotOfOneCluster(principal);
      assertRole(principal, id, "owner");
      await organisations.delete(id);
      return { status: 204 };
    },
  }),
];
