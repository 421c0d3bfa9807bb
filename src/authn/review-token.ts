/** Whose token it is that somebody asks about: TokenReview of authentication.k8s.io/v1. */
import { isStatusError } from "../machinery/status-error.ts";
import type { User } from "./authenticator.ts";
import type { RequestAuthenticator } from "./index.ts";
import type { ServiceAccountTokens } from "./service-account.ts";

/**
 * Without audiences a token is judged as at the door; else it must be for one of these, and the answer names those that it is for.
 * Undefined: for none.
 */
export async function reviewToken(
  deps: { authenticator: RequestAuthenticator; tokens: ServiceAccountTokens },
  token: string,
  audiences: readonly string[],
): Promise<{ user: User; audiences: string[] } | undefined> {
  const own = deps.tokens.audience;
  if (audiences.length === 0) return { user: await deps.authenticator.authenticate(token), audiences: [own] };
  const reviewed: { user: User; audience: string }[] = [];
  for (const audience of audiences) {
    try {
      // What names no audience of ours, such as a token of an issuer outside, is for the API.
      const user =
        audience === own
          ? await deps.authenticator.authenticate(token)
          : await deps.tokens.authenticate({ token, audience });
      if (user) reviewed.push({ user, audience });
    } catch (error) {
      if (!isStatusError(error, "Unauthorized")) throw error;
    }
  }
  const [first] = reviewed;
  return first && { user: first.user, audiences: reviewed.map(({ audience }) => audience) };
}
