/** Routes as the `paths` of an OpenAPI document, in version 2 or 3. After k8s.io/kube-openapi/pkg/{builder,builder3}. */
import type { Answer, Method, Route } from "./routes.ts";

/** A parameter as it is published, in the manner of version 2. */
export interface PublishedParameter {
  name: string;
  in: "query" | "path";
  type: string;
  description?: string;
  required?: boolean;
  uniqueItems?: boolean;
}

export interface Parameters {
  /** By id. */
  published: Readonly<Record<string, PublishedParameter>>;
  /** Ids of those that version 2 keeps in one place for all operations. */
  shared: ReadonlySet<string>;
  /** Ids by the name of a set: "list", "patch", "PodExecOptions". */
  sets: Readonly<Record<string, readonly string[]>>;
  /** Ids of the bodies that version 2 shares, by definition. */
  sharedBodies: Readonly<Record<string, string>>;
}

type Json = Record<string, unknown>;
export type OpenApiVersion = 2 | 3;

interface NamedParameter {
  /** Absent for those that name the object. */
  id: string | undefined;
  parameter: PublishedParameter;
}

export function pathItems(
  routes: readonly Route[],
  options: { version: OpenApiVersion; parameters: Parameters },
): Json {
  const byPath = Map.groupBy(routes, ({ path }) => path);
  return Object.fromEntries([...byPath].map(([path, members]) => [path, pathItem(members, options)]));
}

/** What all operations of a path take stands once, beside them. */
function pathItem(
  routes: readonly Route[],
  { version, parameters }: { version: OpenApiVersion; parameters: Parameters },
): Json {
  const taken = new Map(routes.map((route) => [route.method, parametersOf(route, parameters)]));
  const first = [...taken.values()][0] ?? [];
  const common = first.filter(({ parameter }) =>
    [...taken.values()].every((list) => list.some((other) => same(other.parameter, parameter))),
  );
  const item: Partial<Record<Method | "parameters", unknown>> = {};
  for (const route of routes) {
    const own = (taken.get(route.method) ?? []).filter(
      ({ parameter }) => !common.some((other) => same(other.parameter, parameter)),
    );
    item[route.method] = version === 2 ? operation2(route, own, parameters) : operation3(route, own);
  }
  if (common.length > 0) item["parameters"] = common.map((of) => written(of, { version, parameters }));
  return item;
}

function same(a: PublishedParameter, b: PublishedParameter): boolean {
  return a.name === b.name && a.in === b.in;
}

function parametersOf({ path, parameters: set, gvk }: Route, { published, sets }: Parameters): NamedParameter[] {
  const list: NamedParameter[] = [];
  for (const id of set === undefined ? [] : (sets[set] ?? [])) {
    const parameter = published[id];
    if (parameter) list.push({ id, parameter });
  }
  if (path.includes("{name}")) list.push({ id: undefined, parameter: nameParameter(gvk?.kind ?? "") });
  if (path.includes("{namespace}")) {
    const [id, parameter] = Object.entries(published).find(([, { name }]) => name === "namespace") ?? [];
    if (parameter) list.push({ id, parameter });
  }
  return list.toSorted(
    (a, b) => compare(a.parameter.name, b.parameter.name) || compare(a.parameter.in, b.parameter.in),
  );
}

function nameParameter(kind: string): PublishedParameter {
  return {
    description: `name of the ${kind}`,
    in: "path",
    name: "name",
    required: true,
    type: "string",
    uniqueItems: true,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function written(
  { id, parameter }: NamedParameter,
  { version, parameters }: { version: OpenApiVersion; parameters: Parameters },
): Json {
  if (version === 3) return parameter3(parameter);
  return id !== undefined && parameters.shared.has(id) ? { $ref: `#/parameters/${id}` } : { ...parameter };
}

function parameter3({ type, uniqueItems, ...rest }: PublishedParameter): Json {
  return { ...rest, schema: { type, ...(uniqueItems ? { uniqueItems } : {}) } };
}

function head({ tag, description, operationId }: Route): Json {
  return { tags: [tag], description, operationId };
}

function extensions({ action, gvk }: Route): Json {
  return {
    ...(action === undefined ? {} : { "x-kubernetes-action": action }),
    ...(gvk === undefined
      ? {}
      : { "x-kubernetes-group-version-kind": { group: gvk.group, kind: gvk.kind, version: gvk.version } }),
  };
}

function operation2(route: Route, own: readonly NamedParameter[], parameters: Parameters): Json {
  const { body, consumes, produces, answers } = route;
  const list = own.map((of) => ({ name: of.parameter.name, value: written(of, { version: 2, parameters }) }));
  if (body) list.push({ name: "body", value: body2(body, parameters) });
  const sorted = list.toSorted((a, b) => compare(a.name, b.name)).map(({ value }) => value);
  return {
    ...head(route),
    consumes,
    produces,
    schemes: ["https"],
    ...(sorted.length > 0 ? { parameters: sorted } : {}),
    responses: Object.fromEntries(answers.map((answer) => [answer.code, answer2(answer)])),
    ...extensions(route),
  };
}

function body2({ schema, required }: { schema: string; required: boolean }, { sharedBodies }: Parameters): Json {
  const shared = sharedBodies[schema];
  if (shared !== undefined) return { $ref: `#/parameters/${shared}` };
  return { name: "body", in: "body", ...(required ? { required } : {}), schema: { $ref: `#/definitions/${schema}` } };
}

function answer2({ description, schema }: Answer): Json {
  if (schema === undefined) return { description };
  return { description, schema: schema === "string" ? { type: "string" } : { $ref: `#/definitions/${schema}` } };
}

function operation3(route: Route, own: readonly NamedParameter[]): Json {
  const { body, consumes, produces, answers } = route;
  return {
    ...head(route),
    ...(own.length > 0 ? { parameters: own.map(({ parameter }) => parameter3(parameter)) } : {}),
    ...(body === undefined
      ? {}
      : { requestBody: { content: content3(body.schema, consumes), ...(body.required ? { required: true } : {}) } }),
    responses: Object.fromEntries(
      answers.map(({ code, description, schema }) => [
        code,
        schema === undefined ? { description } : { description, content: content3(schema, produces) },
      ]),
    ),
    ...extensions(route),
  };
}

function content3(schema: string, types: readonly string[]): Json {
  const value = schema === "string" ? { type: "string" } : { $ref: `#/components/schemas/${schema}` };
  return Object.fromEntries(types.map((type) => [type, { schema: value }]));
}
