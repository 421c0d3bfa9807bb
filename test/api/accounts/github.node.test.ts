/**
 * Logins by GitHub through a server of its shape on this machine: pages and redirects as a browser follows them, the exchange of the code and the
 * profile as the control plane asks for them. Only the names `github.com` and `api.github.com` lead there.
 */
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  BASE_URL,
  callerOf,
  cookieOf,
  createTestAccounts,
  signUp,
  type Answer,
  type TestAccounts,
} from "../../harness/accounts.ts";

const CLIENT = { clientId: "an OAuth app", clientSecret: "its secret" };
const CALLBACK = `${BASE_URL}/v1/auth/callback/github`;

interface Profile {
  id: number;
  login: string;
  emails: { email: string; primary: boolean; verified: boolean }[];
}

/** https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
class OAuthServer {
  readonly #server: Server;
  readonly #codes = new Map<string, { challenge: string | null; redirect: string; profile: Profile }>();
  readonly #tokens = new Map<string, Profile>();
  /** Who is logged in there. */
  profile: Profile = { id: 1, login: "octocat", emails: [] };
  /** What it refused to exchange. */
  refused: string[] = [];

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((listening) => this.#server.listen(0, "127.0.0.1", listening));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://oauth.test");
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (url.pathname === "/login/oauth/authorize") {
      response.writeHead(302, { location: this.#authorize(url.searchParams) }).end();
      return;
    }
    if (url.pathname === "/login/oauth/access_token") {
      let body = "";
      for await (const part of request) body += String(part);
      json(200, this.#exchange(new URLSearchParams(body)));
      return;
    }
    const profile = this.#tokens.get((request.headers.authorization ?? "").replace(/^Bearer /, ""));
    if (!profile) json(401, { message: "Bad credentials" });
    else if (url.pathname === "/user")
      json(200, { id: profile.id, login: profile.login, name: null, email: null, avatar_url: "" });
    else if (url.pathname === "/user/emails") json(200, profile.emails);
    else json(404, { message: "Not Found" });
  }

  #authorize(query: URLSearchParams): string {
    expect(query.get("client_id")).toBe(CLIENT.clientId);
    const challenge = query.get("code_challenge");
    if (challenge !== null) expect(query.get("code_challenge_method")).toBe("S256");
    const code = randomBytes(10).toString("hex");
    const redirect = query.get("redirect_uri") ?? "";
    this.#codes.set(code, { challenge, redirect, profile: this.profile });
    const back = new URL(redirect);
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state") ?? "");
    return back.href;
  }

  #exchange(form: URLSearchParams): object {
    const code = form.get("code") ?? "";
    const known = this.#codes.get(code);
    // Good once.
    this.#codes.delete(code);
    const verifier = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const isClient = form.get("client_id") === CLIENT.clientId && form.get("client_secret") === CLIENT.clientSecret;
    const isProven = known?.challenge === verifier && known.redirect === form.get("redirect_uri");
    if (!isClient || !known || !isProven) {
      this.refused.push(code);
      return { error: "bad_verification_code", error_description: "The code passed is incorrect or expired." };
    }
    const token = randomBytes(20).toString("hex");
    this.#tokens.set(token, known.profile);
    return { access_token: token, token_type: "bearer", scope: "read:user,user:email" };
  }
}

const github = new OAuthServer();
let accounts: TestAccounts;
let origin: string;
let profiles = 0;

beforeAll(async () => {
  origin = await github.listen();
  const direct = globalThis.fetch;
  vi.stubGlobal("fetch", (input: string | URL | Request, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!["github.com", "api.github.com"].includes(url.hostname)) return direct(input, init);
    const there = origin + url.pathname + url.search;
    return direct(input instanceof Request ? new Request(there, input) : there, init);
  });
  accounts = await createTestAccounts({ github: CLIENT });
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await accounts.stop();
  await github.close();
});
beforeEach(() => {
  github.refused = [];
  const id = (profiles += 1);
  github.profile = { id, login: `octo${id}`, emails: [address(`octo${id}@example.test`)] };
});

const address = (email: string, verified = true) => ({ email, verified, primary: true });

/** Cookies, and where it was sent to. */
interface Browser {
  cookie: string;
}

/** Asks for the login and goes to GitHub, which sends the browser back with a code. */
async function begin(browser: Browser): Promise<URL> {
  const anybody = callerOf(accounts.fetch, { origin: BASE_URL });
  const asked = await anybody.call("POST", "/v1/auth/sign-in/social", { provider: "github", callbackURL: "/welcome" });
  expect(asked.status, asked.text).toBe(200);
  browser.cookie = cookieOf(asked.headers);
  const page = new URL(asked.body["url"] ?? "");
  expect(page.origin).toBe("https://github.com");
  const sent = await fetch(page, { redirect: "manual" });
  expect(sent.status).toBe(302);
  const back = new URL(sent.headers.get("location") ?? "");
  expect(back.origin + back.pathname).toBe(CALLBACK);
  return back;
}

async function comeBack(browser: Browser, back: URL): Promise<Answer<unknown>> {
  return await callerOf(accounts.fetch, { cookie: browser.cookie }).call("GET", back.pathname + back.search);
}

/** Who the browser is now; undefined: nobody. */
async function whoIs(answer: Answer<unknown>): Promise<Record<string, string> | undefined> {
  const me = await callerOf(accounts.fetch, { cookie: cookieOf(answer.headers), origin: BASE_URL }).call(
    "GET",
    "/v1/me",
  );
  return me.status === 200 ? me.body : undefined;
}

async function logIn(): Promise<Answer<unknown>> {
  const browser = { cookie: "" };
  return await comeBack(browser, await begin(browser));
}

async function expectRefused(answer: Answer<unknown>): Promise<void> {
  expect(answer.status).toBe(302);
  expect(answer.headers.get("location")).toMatch(/[?&]error=/);
  expect(cookieOf(answer.headers)).not.toContain("session_token=");
  expect(await whoIs(answer)).toBeUndefined();
}

async function people(email: string): Promise<number> {
  const sql = "SELECT count(*) FROM people WHERE email = ?";
  const [found] = await accounts.database.batch([{ sql, args: [email] }], "read");
  return Number(found?.rows[0]?.[0]);
}

describe("a login by GitHub", () => {
  test("makes a person, and is the same one the next time, whatever their address is by then", async () => {
    const { id } = github.profile;
    const answer = await logIn();
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/welcome"]);
    expect(answer.headers.getSetCookie().find((cookie) => cookie.includes("session_token="))).toMatch(
      /^__Secure-gantry\.session_token=.*HttpOnly; Secure; SameSite=Lax$/i,
    );
    const first = await whoIs(answer);
    expect(first).toMatchObject({ kind: "session", email: `octo${id}@example.test`, name: `octo${id}` });
    github.profile = { ...github.profile, emails: [address("moved@example.test")] };
    const again = await whoIs(await logIn());
    expect(again?.["user"]).toBe(first?.["user"]);
    expect(github.refused).toEqual([]);
  });

  test.each([
    ["another state", (back: URL) => back.searchParams.set("state", "x".repeat(32))],
    ["no state", (back: URL) => back.searchParams.delete("state")],
  ])("that comes back with %s is refused", async (_, change) => {
    const browser = { cookie: "" };
    const back = await begin(browser);
    change(back);
    await expectRefused(await comeBack(browser, back));
  });

  test("that another browser began is refused: nobody is logged in as somebody else by a link", async () => {
    const [attacker, victim] = [{ cookie: "" }, { cookie: "" }];
    const back = await begin(attacker);
    await expectRefused(await comeBack(victim, back));
    await begin(victim);
    await expectRefused(await comeBack(victim, back));
  });

  test("with a code of another login is refused by its proof", async () => {
    const [attacker, victim] = [{ cookie: "" }, { cookie: "" }];
    const stolen = (await begin(attacker)).searchParams.get("code") ?? "";
    const back = await begin(victim);
    back.searchParams.set("code", stolen);
    await expectRefused(await comeBack(victim, back));
    expect(github.refused).toEqual([stolen]);
  });

  test("is good once", async () => {
    const browser = { cookie: "" };
    const back = await begin(browser);
    expect(await whoIs(await comeBack(browser, back))).toBeDefined();
    await expectRefused(await comeBack(browser, back));
  });

  test("with an address that GitHub has not verified makes nobody", async () => {
    github.profile.emails = [address("claimed@example.test", false)];
    await expectRefused(await logIn());
    expect(await people("claimed@example.test")).toBe(0);
  });

  test.each([true, false])(
    "with the address of a person who has a password joins nobody (verified: %s)",
    async (verified) => {
      const person = await signUp(accounts, "taken");
      github.profile.emails = [address(person.email, verified)];
      await expectRefused(await logIn());
      const sql = "SELECT provider_id FROM logins WHERE person = ?";
      const [logins] = await accounts.database.batch([{ sql, args: [person.id] }], "read");
      expect(logins?.rows).toEqual([["credential"]]);
      expect(await people(person.email)).toBe(1);
    },
  );
});
