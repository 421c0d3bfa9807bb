/** The accounts with real clusters behind them, for black-box tests: nothing but `fetch`. */
import type { ClusterHost } from "../../src/accounts/accounts.ts";
import type { RequestLimits } from "../../src/accounts/api/api.ts";
import { createAccounts, type AccountsDeps } from "../../src/accounts/index.ts";
import type { FetchDocument } from "../../src/authn/oidc/issuer-keys.ts";
import type { Fetch } from "../../src/client/client.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type { Database } from "../../src/storage/database.ts";
import { testRuntime } from "./test-runtime.ts";

const UNLIMITED: RequestLimits = {
  caller: 1e9,
  address: 1e9,
  logins: 1e9,
  passwords: 1e9,
  mails: 1e9,
  guesses: 1e9,
  ofRoute: 1e9,
};
export const BASE_URL = "https://gantry.test";

export interface TestAccounts {
  fetch: Fetch;
  accounts: Awaited<ReturnType<typeof createAccounts>>;
  host: ClusterHost;
  database: Database;
  /** What was logged as an error: a test that expects none says so. */
  errors: string[];
  /** Another process over the same databases, perhaps on a faulty host. */
  another(options?: Partial<AccountsDeps>): Promise<Fetch>;
  stop(): Promise<void>;
}

/** `host`: what stands between the accounts and the runtime's own. */
export async function createTestAccounts(
  options: Partial<AccountsDeps> & {
    wrapHost?: (host: ClusterHost) => ClusterHost;
    /** What issuers outside publish; by default none answers. */
    fetchDocument?: FetchDocument;
  } = {},
): Promise<TestAccounts> {
  const errors: string[] = [];
  const { wrapHost = (host: ClusterHost) => host, fetchDocument = noDocument, ...given } = options;
  const platform: Platform = { ...testRuntime.createPlatform(), ...options.platform };
  platform.log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (message, fields) => void errors.push(`${message} ${describe(fields)}`),
  };
  const clusters = await testRuntime.openClusters({ platform, baseUrl: BASE_URL, fetchDocument });
  const { database } = clusters;
  const host = wrapHost(clusters.host);
  const make = async (changes: Partial<AccountsDeps> = {}) =>
    await createAccounts({
      database,
      host,
      platform,
      masterKey: new Uint8Array(32),
      baseUrl: BASE_URL,
      takesCertificateAuthority: true,
      clientAddress: (request) => request.headers.get("x-test-address") ?? "",
      limits: UNLIMITED,
      ...given,
      ...changes,
    });
  const accounts = await make();
  return {
    fetch: accounts.inFrontOf(root),
    accounts,
    host,
    database,
    errors,
    another: async (changes) => (await make(changes)).inFrontOf(root),
    stop: () => clusters.stop(),
  };
}

const noDocument: FetchDocument = () => Promise.reject(new Error("no issuer answers here"));

/** Nothing stands at the root of these hosts. */
const root = async (): Promise<Response> => new Response("the root", { status: 404 });

function describe(fields: Record<string, unknown> | undefined): string {
  return Object.values(fields ?? {})
    .map((value) => (value instanceof Error ? `${value.stack} ${String(value.cause)}` : String(value)))
    .join(" ");
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

export interface Caller {
  call<T = Record<string, string>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
}

/** `as`: headers of who calls. */
export function callerOf(fetch: Fetch, as: Record<string, string>): Caller {
  return {
    async call<T>(
      method: string,
      path: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<Answer<T>> {
      const raw = typeof body === "string";
      const all = new Headers({ ...as, ...headers });
      if (body !== undefined && !all.has("content-type")) all.set("content-type", "application/json");
      const init = body === undefined ? {} : { body: raw ? body : JSON.stringify(body) };
      const response = await fetch(new Request(BASE_URL + path, { method, headers: all, ...init }));
      const text = await response.text();
      const isJson = (response.headers.get("content-type") ?? "").includes("json");
      return {
        status: response.status,
        headers: response.headers,
        // The lines of a watch are read as text.
        body: (isJson && !text.includes("}\n{") && text !== "" ? JSON.parse(text) : undefined) as T,
        text,
      };
    },
  };
}

export interface TestPerson extends Caller {
  id: string;
  email: string;
  /** By the API, as this person with this token in place of the session. */
  cookie: string;
}

// Addresses are unique in a file of tests, whatever its tests call their people.
let people = 0;

/** Signs up by e-mail and password; calls by the session's cookie. */
export async function signUp(
  { fetch }: Pick<TestAccounts, "fetch">,
  name: string,
  password = "correct horse",
): Promise<TestPerson> {
  const email = `${name}-${people++}@example.test`;
  const anybody = callerOf(fetch, { origin: BASE_URL });
  const answer = await anybody.call<{ user: { id: string } }>("POST", "/v1/auth/sign-up/email", {
    name,
    email,
    password,
  });
  if (answer.status !== 200) throw new Error(`no sign-up: ${answer.status} ${answer.text}`);
  const cookie = cookieOf(answer.headers);
  return { id: answer.body.user.id, email, cookie, ...callerOf(fetch, { cookie, origin: BASE_URL }) };
}

export function cookieOf(headers: Headers): string {
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

export const bearer = (token: string | undefined): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** A person with an organisation, as most tests begin. */
export async function signUpWithOrganisation(accounts: Pick<TestAccounts, "fetch">, name: string) {
  const person = await signUp(accounts, name);
  const made = await person.call("POST", "/v1/organisations", { name: `${name} and friends` });
  if (made.status !== 201) throw new Error(`no organisation: ${made.status} ${made.text}`);
  return { person, organisation: made.body["id"] ?? "" };
}
