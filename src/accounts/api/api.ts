/**
 * The API under /v1, in the order in which a request meets its parts: limit by address → who is it → limit by caller → route → body and
 * schema → idempotency → handler. Better-auth answers below /v1/auth.
 */
import { Hono } from "hono/tiny";
import { tokenOf } from "../../authn/index.ts";
import type { Fetch } from "../../client/client.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import { AccountsError, type Principal } from "../accounts.ts";
import type { Principals } from "../principals.ts";
import { pageQuery } from "../pages.ts";
import type { Idempotency } from "./idempotency.ts";
import { openApiDocument } from "./openapi.ts";
import { problemResponse } from "./problem.ts";
import { networkOf, type Attempts, type Counted } from "./attempts.ts";
import type { Limited, RateLimit } from "./rate-limit.ts";
import { nothingHere, type Call, type Reply, type Route, type Services } from "./route.ts";
import { readBody } from "./routes/clusters.ts";
import { routes } from "./routes/index.ts";
import { check } from "./schema.ts";
import { digest } from "../secrets.ts";

export interface AccountsApiDeps extends Services {
  principals: Principals;
  idempotency: Idempotency;
  rateLimit: RateLimit;
  attempts: Attempts;
  limits?: Partial<RequestLimits>;
  /** Where a request comes from, as far as the runtime knows. */
  clientAddress(request: Request): string;
}

/** Requests a minute, unless it says otherwise. */
export interface RequestLimits {
  /** In one process or isolate. */
  caller: number;
  /** Of one address, before it is known who calls; in one process or isolate. */
  address: number;
  /** Of one address to sign up, log in and ask for passwords, everywhere: each may cost a hash. */
  logins: number;
  /** To log in as one person, from wherever. */
  passwords: number;
  /** An hour: to sign up with, or to have mail sent to, one address. */
  mails: number;
  /** Of one address with tokens that are none, everywhere. */
  guesses: number;
  /** Of one caller to routes that have a limit of their own, in place of that; for tests. */
  ofRoute?: number;
}

const LIMITS: RequestLimits = { caller: 600, address: 1_200, logins: 20, passwords: 20, mails: 5, guesses: 60 };
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
export const AUTH_PATH = "/v1/auth";
const OPENAPI_PATH = "/v1/openapi.json";
const BODY_BYTES_MAX = 64 * 1024;
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Never throws. */
export function createAccountsApi(deps: AccountsApiDeps): Fetch {
  const { log, baseUrl } = deps;
  const limits = { ...LIMITS, ...deps.limits };
  const app = new Hono();
  let document: string | undefined;

  app.all(`${AUTH_PATH}/*`, ({ req }) => serveLogin(deps, req.raw, limits));
  app.get(OPENAPI_PATH, () => {
    document ??= JSON.stringify(openApiDocument(routes, baseUrl));
    return new Response(document, { headers: { "content-type": "application/json" } });
  });
  for (const route of routes) {
    app.on(route.method, route.path.replaceAll(/\{(\w+)\}/g, ":$1"), (context) =>
      serve(deps, { route, request: context.req.raw, params: context.req.param(), limits }),
    );
  }
  app.notFound(({ req }) => problemResponse(unserved(req.raw), log));
  app.onError((error) => problemResponse(error, log));
  return async (request) => await app.fetch(request);
}

interface Served {
  route: Route;
  request: Request;
  params: Readonly<Record<string, string>>;
  limits: RequestLimits;
}

async function serve(deps: AccountsApiDeps, served: Served): Promise<Response> {
  const { log, rateLimit } = deps;
  const { request, limits } = served;
  const byAddress = rateLimit.take(`address ${deps.clientAddress(request)}`, limits.address);
  let { headers } = byAddress;
  try {
    if (byAddress.refused) throw byAddress.refused;
    const principal = await principalOf(deps, request, (limited) => void ({ headers } = limited), limits);
    const byCaller = rateLimit.take(`caller ${principal.name}`, limits.caller);
    ({ headers } = byCaller);
    if (byCaller.refused) throw byCaller.refused;
    const byRoute = await takeOfRoute(deps, served, principal);
    if (byRoute) ({ headers } = byRoute);
    if (byRoute?.refused) throw byRoute.refused;
    return withHeaders(await answer(deps, served, principal), headers);
  } catch (error) {
    return withHeaders(problemResponse(error, log), headers);
  }
}

async function takeOfRoute(
  { attempts }: AccountsApiDeps,
  { route: { operationId, limit }, limits }: Served,
  { name }: Principal,
): Promise<Limited | undefined> {
  if (!limit) return undefined;
  const { attemptsMax, windowMs } = limit;
  return await attempts.take([{ key: `${operationId} ${name}`, limit: limits.ofRoute ?? attemptsMax, windowMs }]);
}

async function serveLogin(deps: AccountsApiDeps, request: Request, limits: RequestLimits): Promise<Response> {
  const reads = READS.has(request.method);
  const kind = reads ? "address" : "logins";
  // Who is refused here already costs no round trip.
  let { headers, refused } = deps.rateLimit.take(`${kind} ${deps.clientAddress(request)}`, limits[kind]);
  try {
    if (refused) throw refused;
    if (reads) return withHeaders(await deps.people.handle(request), headers);
    const body = await readBody(request, BODY_BYTES_MAX);
    ({ headers, refused } = await deps.attempts.take(countedOfLogin(deps, { request, body, limits })));
    if (refused) throw refused;
    const again = new Request(request.url, { method: request.method, headers: request.headers, body: body.slice() });
    return withHeaders(await deps.people.handle(again), headers);
  } catch (error) {
    return withHeaders(problemResponse(error, deps.log), headers);
  }
}

/** By the network that it comes from; and by the person whose password, or the mailbox whose patience, is tried. */
function countedOfLogin(
  deps: Pick<AccountsApiDeps, "clientAddress">,
  { request, body, limits }: { request: Request; body: Uint8Array; limits: RequestLimits },
): [Counted, ...Counted[]] {
  const network = networkOf(deps.clientAddress(request));
  const counted: [Counted, ...Counted[]] = [{ key: `logins ${network}`, limit: limits.logins, windowMs: MINUTE_MS }];
  const email = emailIn(body);
  if (email === undefined) return counted;
  const isPassword = new URL(request.url).pathname.startsWith(`${AUTH_PATH}/sign-in/`);
  const of = isPassword
    ? { key: `passwords ${email}`, limit: limits.passwords, windowMs: MINUTE_MS }
    : { key: `mails ${email}`, limit: limits.mails, windowMs: HOUR_MS };
  return [...counted, of];
}

function emailIn(body: Uint8Array): string | undefined {
  try {
    const { email } = (JSON.parse(new TextDecoder().decode(body)) ?? {}) as { email?: unknown };
    return typeof email === "string" ? email.toLowerCase() : undefined;
  } catch {
    return undefined;
  }
}

/** By the API token, or else by the cookie of a session. @throws AccountsError "unauthenticated" | "forbidden" */
async function principalOf(
  deps: AccountsApiDeps,
  request: Request,
  counted: (limited: Limited) => void,
  limits: RequestLimits,
): Promise<Principal> {
  const { principals, people, baseUrl, attempts } = deps;
  const token = bearerOf(request.headers);
  if (token !== undefined) {
    const principal = await principals.ofToken(token);
    if (principal) return principal;
    const key = `guesses ${networkOf(deps.clientAddress(request))}`;
    const limited = await attempts.take([{ key, limit: limits.guesses, windowMs: MINUTE_MS }]);
    counted(limited);
    throw limited.refused ?? unauthenticated();
  }
  const person = await people.ofSession(request.headers);
  if (person === undefined) throw unauthenticated();
  assertOwnPage(request, baseUrl);
  return await principals.ofPerson(person);
}

function bearerOf(headers: Headers): string | undefined {
  if (!headers.has("authorization")) return undefined;
  try {
    return tokenOf(headers) ?? "";
  } catch (error) {
    if (isStatusError(error, "Unauthorized")) throw unauthenticated();
    throw error;
  }
}

/** A cookie is sent along with whatever page sends the request; changes are taken from our own pages alone. */
function assertOwnPage(request: Request, baseUrl: string): void {
  if (READS.has(request.method)) return;
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site") ?? "same-origin";
  const own = (origin === null || origin === new URL(baseUrl).origin) && (site === "same-origin" || site === "none");
  if (!own) throw new AccountsError("forbidden", "the request comes from a page of somebody else");
}

async function answer(deps: AccountsApiDeps, served: Served, principal: Principal): Promise<Response> {
  const { route, request, params } = served;
  const query = new URL(request.url).searchParams;
  const text = await bodyText(route, request);
  const page = pageQuery({ limit: query.get("limit") ?? undefined, cursor: query.get("cursor") ?? undefined });
  const call: Call = { request, params, query, body: parsed(route, text), principal, page };
  const key = request.headers.get("idempotency-key");
  if (key === null || !route.creates) return asResponse(await route.handle(deps, call));
  const wish = await digest(`${principal.name}\n${key}\n${text}`);
  const handle = async (): Promise<Response> => asResponse(await route.handle(deps, { ...call, key: wish }));
  const of = { caller: principal.name, key, request: `${request.method} ${new URL(request.url).pathname}\n${text}` };
  return await deps.idempotency.once(of, handle, route.creates.secret);
}

async function bodyText({ body, bodyType }: Route, request: Request): Promise<string> {
  if (!body || bodyType !== undefined) return "";
  return new TextDecoder().decode(await readBody(request, BODY_BYTES_MAX));
}

/** @throws AccountsError "invalid" */
function parsed({ body: schema, bodyType }: Route, text: string): unknown {
  if (!schema || bodyType !== undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AccountsError("invalid", "the body is no JSON", { cause });
  }
  const errors = check(schema.json, value);
  if (errors.length > 0) throw new AccountsError("invalid", "the body is not as it should be", { errors });
  return value;
}

function asResponse(reply: Reply | Response): Response {
  if (reply instanceof Response) return reply;
  const { status = 200, body } = reply;
  if (body === undefined) return new Response(null, { status });
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return new Response(JSON.stringify(body), { status, headers });
}

/** @throws nothing: the failure for a path or method that no route has */
function unserved(request: Request): AccountsError {
  const { pathname } = new URL(request.url);
  const known = routes.some(({ path }) => matches(path, pathname));
  return known ? new AccountsError("method-not-allowed", "the method is not allowed here") : nothingHere();
}

function matches(path: string, pathname: string): boolean {
  const parts = pathname.split("/");
  const wanted = path.split("/");
  return wanted.length === parts.length && wanted.every((part, at) => part.startsWith("{") || part === parts[at]);
}

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  const all = new Headers(response.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers: all });
}

function unauthenticated(): AccountsError {
  return new AccountsError("unauthenticated", "a valid API token or a session is needed");
}
