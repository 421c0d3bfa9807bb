/** All ways to say who one is, in order, with a short memory so that a request rarely costs a signature check. */
import { isStatusError, StatusError } from "../machinery/status-error.ts";
import type { Clock } from "../platform/platform.ts";
import { ANONYMOUS, AUTHENTICATED_GROUP, type Authenticator, type User } from "./authenticator.ts";

/** A revoked token, or one of a deleted pod, is refused after this long at the latest. */
const REMEMBER_MS = 5_000;
const REMEMBERED_MAX = 4_096;
/** Objects that tokens are bound to; a token has up to three. */
const BOUND_MAX = 3 * REMEMBERED_MAX;
/** Longer than any token of ours; a body of noise is not worth hashing. */
const TOKEN_LENGTH_MAX = 16 * 1024;

export interface RequestAuthenticator {
  /** Answers at once for a remembered token. @throws StatusError "Unauthorized" */
  authenticate(token: string | undefined): User | Promise<User>;
  /** Forgets whom it remembers by a credential that is bound to one of these objects. For a process that hears of every commit. */
  forget(uids: readonly string[]): void;
}

/** The first authenticator with an opinion decides; no token at all is anonymous. */
export function createRequestAuthenticator(deps: {
  chain: readonly Authenticator[];
  clock: Clock;
}): RequestAuthenticator {
  const { chain, clock } = deps;
  const remembered = new Map<string, { user: User; untilMs: number }>();
  /** Tokens by what they are bound to; of those that are remembered no more some may be left, until the object goes or the map is full. */
  const tokensOf = new Map<string, Set<string>>();

  async function ask(token: string): Promise<User> {
    if (token.length > TOKEN_LENGTH_MAX) throw unauthorized();
    for (const authenticator of chain) {
      const user = await judged(authenticator, token);
      if (!user) continue;
      const known = user.groups.includes(AUTHENTICATED_GROUP)
        ? user
        : { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] };
      remember(token, known);
      return known;
    }
    throw unauthorized();
  }

  function remember(token: string, user: User): void {
    if (remembered.size >= REMEMBERED_MAX) {
      const oldest = remembered.keys().next();
      if (!oldest.done) remembered.delete(oldest.value);
    }
    remembered.delete(token);
    remembered.set(token, { user, untilMs: clock.now() + REMEMBER_MS });
    for (const uid of user.boundTo ?? []) {
      if (tokensOf.size >= BOUND_MAX) {
        tokensOf.clear();
        remembered.clear();
      }
      const tokens = tokensOf.get(uid) ?? new Set<string>();
      tokensOf.set(uid, tokens.add(token));
    }
  }

  return {
    authenticate(token) {
      if (token === undefined) return ANONYMOUS;
      const entry = remembered.get(token);
      return entry !== undefined && entry.untilMs > clock.now() ? entry.user : ask(token);
    },
    forget(uids) {
      for (const uid of uids) {
        for (const token of tokensOf.get(uid) ?? []) remembered.delete(token);
        tokensOf.delete(uid);
      }
    },
  };
}

/** Which credential it is, and why it is no good, is nobody's business: all are refused with one word. */
async function judged(authenticator: Authenticator, token: string): Promise<User | undefined> {
  try {
    return await authenticator.authenticate({ token });
  } catch (error) {
    throw isStatusError(error, "Unauthorized") ? unauthorized(error) : error;
  }
}

function unauthorized(cause?: unknown): StatusError {
  return new StatusError("Unauthorized", "Unauthorized", { cause });
}

const WEBSOCKET_BEARER = "base64url.bearer.authorization.k8s.io.";

/** From `Authorization: Bearer`, or from the WebSocket subprotocol that browsers use because they cannot set headers. */
export function tokenOf(headers: Headers): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const space = authorization.indexOf(" ");
    if (space < 0 || authorization.slice(0, space).toLowerCase() !== "bearer") throw unauthorized();
    const token = authorization.slice(space + 1).trim();
    return token === "" ? undefined : token;
  }
  const protocols = headers.get("sec-websocket-protocol");
  if (protocols === null) return undefined;
  const bearer = protocols
    .split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(WEBSOCKET_BEARER));
  return bearer === undefined ? undefined : fromBase64Url(bearer.slice(WEBSOCKET_BEARER.length));
}

function fromBase64Url(text: string): string {
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    throw unauthorized();
  }
}
