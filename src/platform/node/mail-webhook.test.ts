/** Mail by a web hook, to a real receiver on this machine: what a self-hoster has to write, and what happens when it fails. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMailWebhook } from "../../accounts/mail-webhook.ts";
import { BASE_URL, callerOf, createTestAccounts, signUpWithOrganisation } from "../../../test/harness/accounts.ts";
import { silentLog } from "../../../test/harness/silent-log.ts";
import { createNodePlatform } from "./platform.ts";

const SECRET = "a secret of the operator's";
interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}
let received: Received[];
/** What it answers, in turn; then 204. 0: nothing at all. */
let answers: number[];
let url: string;
const cleanup: (() => unknown)[] = [];

beforeEach(async () => {
  received = [];
  answers = [];
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      const status = answers.shift() ?? 204;
      if (status === 0) return;
      response.writeHead(status, status === 302 ? { location: `${url}elsewhere` } : {}).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  cleanup.push(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
});
afterEach(async () => {
  for (const undo of cleanup.splice(0).toReversed()) await undo();
});

/** Waits are over at once, so that nobody waits for a time-out here. */
function hook(options: { secret?: string; to?: string; impatient?: boolean } = {}) {
  const { timers, ...platform } = createNodePlatform();
  const { secret = SECRET, to = url, impatient = false } = options;
  const waitedMs: number[] = [];
  const sendMail = createMailWebhook({
    url: to,
    secret,
    ...platform,
    log: silentLog,
    fetch,
    timers: {
      after(delayMs, run) {
        const isTimeout = delayMs >= 4_000;
        if (!isTimeout) waitedMs.push(delayMs);
        return timers.after(isTimeout ? (impatient ? 200 : delayMs) : 1, run);
      },
    },
  });
  return { sendMail, waitedMs };
}

const MAIL = { to: "ada@example.test", subject: "s", text: "t" };

function assertSigned({ headers, body }: Received, key: string | Buffer = SECRET): void {
  const signed = [headers["webhook-id"], headers["webhook-timestamp"], body].join(".");
  const expected = createHmac("sha256", key).update(signed).digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
}

test("a message is JSON, signed with the secret over id, time and body", async () => {
  await hook().sendMail(MAIL);
  expect(received).toHaveLength(1);
  const [one] = received as [Received];
  expect(JSON.parse(one.body)).toEqual({ type: "mail", ...MAIL });
  expect(one.headers["content-type"]).toBe("application/json");
  expect(Math.abs(Number(one.headers["webhook-timestamp"]) - Date.now() / 1_000)).toBeLessThan(60);
  assertSigned(one);
  const bytes = Buffer.from("of bytes, as the standard writes keys");
  await hook({ secret: `whsec_${bytes.toString("base64")}` }).sendMail(MAIL);
  const second = received[1];
  if (second) assertSigned(second, bytes);
  expect(received).toHaveLength(2);
});

test.each([
  { answers: [500, 204], tries: 2, sent: true },
  { answers: [429, 503, 200], tries: 3, sent: true },
  { answers: [500, 500, 500, 204], tries: 3, sent: false },
  { answers: [400, 204], tries: 1, sent: false },
  { answers: [302, 204], tries: 1, sent: false },
  { answers: [0, 204], tries: 2, sent: true },
])("$answers: $tries tries, under one id", async ({ answers: given, tries, sent }) => {
  answers = [...given];
  const { sendMail, waitedMs } = hook({ impatient: given.includes(0) });
  if (sent) await sendMail(MAIL);
  else await expect(sendMail(MAIL)).rejects.toThrow("the mail could not be sent");
  expect(received).toHaveLength(tries);
  expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(waitedMs).toEqual([500, 1_000].slice(0, tries - 1));
});

test("verification of an address, a new password and an invitation go through it; an invitation is good without", async () => {
  const accounts = await createTestAccounts();
  cleanup.push(() => accounts.stop());
  const { person, organisation } = await signUpWithOrganisation(accounts, "ada");
  const withMail = await accounts.another({ sendMail: hook().sendMail });
  const owner = callerOf(withMail, { cookie: person.cookie, origin: BASE_URL });
  const path = `/v1/organisations/${organisation}/invitations`;
  const invited = await owner.call<{ secret: string; mailed: boolean }>("POST", path, {
    email: "g@example.test",
    role: "viewer",
  });
  expect(invited.body.mailed).toBe(true);
  expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({ to: "g@example.test" });
  expect(received[0]?.body).toContain(invited.body.secret);

  const anybody = callerOf(withMail, { origin: BASE_URL });
  const grace = { email: "grace@example.test", password: "correct horse", name: "grace" };
  expect((await anybody.call("POST", "/v1/auth/sign-up/email", grace)).status).toBe(200);
  await vi.waitFor(() => expect(received).toHaveLength(2));
  expect((await anybody.call("POST", "/v1/auth/sign-in/email", grace)).status).toBe(403);
  const mail = JSON.parse(received[1]?.body ?? "") as { to: string; text: string };
  expect(mail.to).toBe(grace.email);
  const link = new URL(/https:\S+/.exec(mail.text)?.[0] ?? "");
  expect((await anybody.call("GET", link.pathname + link.search)).status).toBeLessThan(400);
  expect((await anybody.call("POST", "/v1/auth/sign-in/email", grace)).status).toBe(200);

  const before = received.length;
  expect((await anybody.call("POST", "/v1/auth/request-password-reset", { email: grace.email })).status).toBe(200);
  await vi.waitFor(() => expect(received.length).toBeGreaterThan(before));

  answers = [400];
  const unsent = await owner.call<{ secret: string; mailed: boolean }>("POST", path, {
    email: "h@example.test",
    role: "viewer",
  });
  expect([unsent.status, unsent.body.mailed]).toEqual([201, false]);
  expect(unsent.body.secret).toMatch(/^gtryinv_/);
});
