import { AccountsError } from "../../accounts.ts";
import { personOf, route, type Route } from "../route.ts";
import { nullable, object, oneOf, text } from "../schema.ts";

export const meRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/me",
    operationId: "getCaller",
    summary: "Who the caller is",
    answer: object({
      kind: oneOf(["session", "person", "robot", "cluster"]),
      user: text({ description: "The caller's name in the Kubernetes API." }),
      name: nullable(text()),
      email: nullable(text()),
    }),
    async handle({ people }, { principal }) {
      const { kind, name: user, person } = principal;
      const found = person === undefined ? undefined : await people.find(person);
      return { body: { kind, user, name: found?.name ?? null, email: found?.email ?? null } };
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/me",
    operationId: "deleteCaller",
    summary: "The person gone, with sessions, own tokens and memberships; what they made stays with its organisation",
    query: { confirm: "The caller's e-mail address, typed." },
    status: 204,
    async handle({ people, log }, { principal, query }) {
      const person = personOf(principal);
      if (principal.kind !== "session") throw new AccountsError("forbidden", "log in to delete yourself");
      const found = await people.find(person);
      if (query.get("confirm")?.toLowerCase() !== found?.email.toLowerCase())
        throw new AccountsError("invalid", "nothing was deleted: confirm must be your e-mail address");
      await people.delete(person);
      log.info("a person was deleted, by themselves", { person });
      return { status: 204 };
    },
  }),
];
