import { AccountsError, ROLES, type Invitation, type Member, type Principal, type Role } from "../../accounts.ts";
import { rank } from "../../principals.ts";
import { assertRole, nothingHere, personOf, route, timeOf, type Route } from "../route.ts";
import { flag, object, oneOf, text } from "../schema.ts";

export const ROLE = oneOf(ROLES, "What it allows, from the least to the most.");
const MEMBER = object({
  person: text(),
  name: text(),
  email: text({ format: "email" }),
  role: ROLE,
  joinedAt: text({ format: "date-time" }),
});
const INVITATION = object(
  {
    id: text(),
    email: text({ format: "email" }),
    role: ROLE,
    invitedBy: text(),
    createdAt: text({ format: "date-time" }),
    expiresAt: text({ format: "date-time" }),
  },
  {
    secret: text({ description: "What accepts it. Shown once." }),
    mailed: flag("Whether it was mailed, too; else it is to be passed on by hand."),
  },
);
const INVITATION_MS = 7 * 24 * 3_600_000;

/** Only an owner makes, changes or removes an owner. */
function assertMayChange(principal: Principal, organisation: string, ...roles: Role[]): void {
  const needed = roles.some((role) => rank(role) >= rank("owner")) ? "owner" : "admin";
  assertRole(principal, organisation, needed);
}

function shownMember({ person, name, email, role, createdMs }: Member): object {
  return { person, name, email, role, joinedAt: timeOf(createdMs) };
}

function shownInvitation({ id, email, role, invitedBy, createdMs, expiresMs }: Invitation): object {
  return { id, email, role, invitedBy, createdAt: timeOf(createdMs), expiresAt: timeOf(expiresMs) };
}

const MEMBERS = "/v1/organisations/{organisation}/members";
const INVITATIONS = "/v1/organisations/{organisation}/invitations";

export const memberRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: MEMBERS,
    operationId: "listMembers",
    summary: "Who belongs to the organisation",
    answer: MEMBER,
    paged: true,
    async handle({ organisations }, { principal, page, params: { organisation = "" } }) {
      assertRole(principal, organisation, "viewer");
      const { items, next } = await organisations.members(organisation, page);
      return { body: { items: items.map(shownMember), next } };
    },
  }),
  route({
    method: "PATCH",
    path: `${MEMBERS}/{person}`,
    operationId: "setRole",
    summary: "Another role; needs the role admin, and owner where owners are concerned",
    body: object({ role: ROLE }),
    answer: MEMBER,
    async handle({ organisations }, { principal, body, params: { organisation = "", person = "" } }) {
      assertRole(principal, organisation, "admin");
      const member = await organisations.member({ organisation, person });
      if (!member) throw nothingHere();
      assertMayChange(principal, organisation, member.role, body.role);
      return { body: shownMember(await organisations.setRole({ organisation, person, role: body.role })) };
    },
  }),
  route({
    method: "DELETE",
    path: `${MEMBERS}/{person}`,
    operationId: "removeMember",
    summary: "Out of the organisation; everybody may leave by themselves",
    status: 204,
    async handle({ organisations }, { principal, params: { organisation = "", person = "" } }) {
      assertRole(principal, organisation, "viewer");
      const leaves = principal.kind === "session" && principal.person === person;
      if (!leaves) assertRole(principal, organisation, "admin");
      const member = await organisations.member({ organisation, person });
      if (!member) throw nothingHere();
      if (!leaves) assertMayChange(principal, organisation, member.role);
      await organisations.removeMember({ organisation, person });
      return { status: 204 };
    },
  }),
  route({
    method: "GET",
    path: INVITATIONS,
    operationId: "listInvitations",
    summary: "Invitations that wait for an answer; needs the role admin",
    answer: INVITATION,
    paged: true,
    async handle({ organisations }, { principal, page, params: { organisation = "" } }) {
      assertRole(principal, organisation, "admin");
      const { items, next } = await organisations.invitations(organisation, page);
      return { body: { items: items.map(shownInvitation), next } };
    },
  }),
  route({
    method: "POST",
    path: INVITATIONS,
    operationId: "invite",
    summary: "An invitation for one address, good once and for a week; needs the role admin",
    body: object({ email: text({ format: "email", maxLength: 320 }), role: ROLE }),
    answer: INVITATION,
    status: 201,
    creates: { secret: "secret" },
    limit: { attemptsMax: 60, windowMs: 3_600_000 },
    async handle({ organisations, clock, log, sendMail, baseUrl }, { principal, body, params: { organisation = "" } }) {
      assertMayChange(principal, organisation, body.role);
      const { invitation, secret } = await organisations.invite({
        organisation,
        email: body.email,
        role: body.role,
        invitedBy: principal.name,
        expiresMs: clock.now() + INVITATION_MS,
      });
      const mail = {
        to: body.email,
        subject: "You are invited to an organisation on Gantry",
        text: `Accept it within a week:\n${baseUrl}/invitations#${secret}`,
      };
      // It is good however it gets there.
      const mailed = await sendMail?.(mail).then(
        () => true,
        (error: unknown) => {
          log.warn("an invitation was not mailed", { invitation: invitation.id, error });
          return false;
        },
      );
      return { status: 201, body: { ...shownInvitation(invitation), secret, mailed: mailed ?? false } };
    },
  }),
  route({
    method: "DELETE",
    path: `${INVITATIONS}/{invitation}`,
    operationId: "withdrawInvitation",
    summary: "No longer good; needs the role admin",
    status: 204,
    async handle({ organisations }, { principal, params: { organisation = "", invitation: id = "" } }) {
      assertRole(principal, organisation, "admin");
      if (!(await organisations.withdraw({ organisation, id }))) throw nothingHere();
      return { status: 204 };
    },
  }),
  route({
    method: "POST",
    path: "/v1/invitations/accept",
    operationId: "acceptInvitation",
    summary: "The caller becomes a member",
    body: object({ secret: text({ maxLength: 200 }) }),
    answer: object({ organisation: text(), name: text() }),
    limit: { attemptsMax: 20, windowMs: 60_000 },
    async handle({ organisations }, { principal, body }) {
      const person = personOf(principal);
      if (principal.kind !== "session") throw new AccountsError("forbidden", "log in to accept an invitation");
      const organisation = await organisations.accept({ secret: body.secret, person });
      if (!organisation) throw new AccountsError("not-found", "the invitation is not, or no longer, good for you");
      return { body: { organisation: organisation.id, name: organisation.name } };
    },
  }),
];
