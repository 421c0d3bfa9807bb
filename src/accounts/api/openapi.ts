/** The OpenAPI 3.1 document of /v1, from its routes. */
import type { Route } from "./route.ts";
import type { JsonSchema } from "./schema.ts";

const PROBLEM: JsonSchema = {
  type: "object",
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", description: "Stable; the other texts are for people." },
    errors: {
      type: "array",
      items: { type: "object", properties: { pointer: { type: "string" }, detail: { type: "string" } } },
    },
  },
  required: ["type", "title", "status", "detail", "code"],
};

export function openApiDocument(routes: readonly Route[], baseUrl: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  return {
    openapi: "3.1.0",
    info: { title: "Gantry", version: "v1", description: "People, organisations, clusters and their tokens." },
    servers: [{ url: baseUrl }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An API token: gtry_…" },
        session: { type: "apiKey", in: "cookie", name: "__Secure-gantry.session_token" },
      },
      schemas: { Problem: PROBLEM },
    },
  };
}

function operationOf(route: Route): object {
  const { operationId, summary, body, bodyType = "application/json", status = 200 } = route;
  const requestBody = body && { required: true, content: { [bodyType]: { schema: body.json } } };
  return {
    operationId,
    summary,
    parameters: parametersOf(route),
    ...(requestBody ? { requestBody } : {}),
    responses: {
      [status]: answerOf(route),
      default: {
        description: "A failure (RFC 9457)",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

function answerOf({ answer, answerType = "application/json", summary, paged }: Route): object {
  if (!answer) return { description: summary };
  const schema = paged ? pageSchema(answer.json) : answer.json;
  return { description: summary, content: { [answerType]: { schema } } };
}

function pageSchema(items: JsonSchema): JsonSchema {
  const next: JsonSchema = { type: ["string", "null"], description: "Pass it as `cursor` for the next page." };
  return { type: "object", properties: { items: { type: "array", items }, next }, required: ["items", "next"] };
}

function parametersOf({ path, query = {}, paged, creates }: Route): object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: "path", required: true }));
  const paging = paged ? { limit: "At most so many, 1 to 100.", cursor: "From the page before." } : {};
  const inQuery = Object.entries({ ...query, ...paging }).map(([name, description]) => ({
    name,
    in: "query",
    description,
  }));
  const inHeader = creates
    ? [{ name: "Idempotency-Key", in: "header", description: "Makes it safe to send again." }]
    : [];
  return [...inPath, ...inQuery, ...inHeader].map((parameter) => ({ ...parameter, schema: { type: "string" } }));
}
