/**
 * Mail by a web hook: each message is POSTed as JSON to an address of the operator's, who hands it to whatever sends mail there. Signed after
 * https://www.standardwebhooks.com, for which most languages have a library: `webhook-id`, `webhook-timestamp` (Unix seconds) and
 * `webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`. A message may come twice, with the same id.
 */
import type { Fetch } from "../client/client.ts";
import type { Clock, Log, Random, Timers } from "../platform/platform.ts";
import type { SendMail } from "./accounts.ts";

export interface MailWebhook {
  url: string;
  /** Text; or `whsec_` and base64, of which the bytes are the key. */
  secret: string;
}

export interface MailWebhookDeps extends MailWebhook {
  fetch: Fetch;
  clock: Clock;
  timers: Timers;
  random: Random;
  log: Log;
}

const TRIES = 3;
const TIMEOUT_MS = 4_000;
const RETRY_DELAY_MS = 500;
const SECRET_PREFIX = "whsec_";

/** Nobody's secret stands in what it throws or logs. */
export class MailError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "MailError";
  }
}

/** The mail's promise resolves when the hook has taken it. @throws MailError */
export function createMailWebhook(deps: MailWebhookDeps): SendMail {
  const { clock, timers, random, log } = deps;
  const key = importKey(deps.secret);
  key.catch(() => {});
  return async (message) => {
    const id = `msg_${random.uuid()}`;
    const body = JSON.stringify({ type: "mail", ...message });
    for (let tried = 1; ; tried++) {
      const timestamp = String(Math.floor(clock.now() / 1_000));
      const signature = await sign(await key, `${id}.${timestamp}.${body}`);
      const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
      const outcome = await post(deps, { headers, body });
      if (outcome === "taken") return;
      log.warn("a mail was not taken by the web hook", { try: tried, reason: outcome.reason });
      if (!outcome.again || tried === TRIES) throw new MailError("the mail could not be sent");
      await new Promise<void>((resolve) => void timers.after(RETRY_DELAY_MS * 2 ** (tried - 1), resolve));
    }
  };
}

type Outcome = "taken" | { reason: string; again: boolean };

async function post(
  { url, fetch, timers }: MailWebhookDeps,
  { headers, body }: { headers: Record<string, string>; body: string },
): Promise<Outcome> {
  const late = new AbortController();
  const cancel = timers.after(TIMEOUT_MS, () => late.abort());
  try {
    const all = { ...headers, "content-type": "application/json" };
    // A hook that has moved is mended by whoever set it up; what it holds goes to no other address.
    const request = new Request(url, { method: "POST", headers: all, body, redirect: "manual", signal: late.signal });
    const response = await fetch(request);
    await response.body?.cancel();
    if (response.status >= 200 && response.status < 300) return "taken";
    return { reason: `it answered ${response.status}`, again: response.status >= 500 || response.status === 429 };
  } catch {
    return {
      reason: late.signal.aborted ? `it did not answer within ${TIMEOUT_MS} ms` : "it cannot be reached",
      again: true,
    };
  } finally {
    cancel();
  }
}

async function importKey(secret: string): Promise<CryptoKey> {
  const bytes = secret.startsWith(SECRET_PREFIX)
    ? Uint8Array.from(atob(secret.slice(SECRET_PREFIX.length)), (character) => character.charCodeAt(0))
    : new TextEncoder().encode(secret);
  return await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

async function sign(key: CryptoKey, text: string): Promise<string> {
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...mac));
}
