import { route, type Route } from "../route.ts";
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
];
