/**
 * better-auth as it is set up here. Loaded when somebody logs in for the first time: it is a quarter of what is deployed, and no request to a
 * cluster needs it.
 */
import { betterAuth } from "better-auth/minimal";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import type { Database } from "../storage/database.ts";
import type { SendMail } from "./accounts.ts";
import { createOrm } from "./orm.ts";
import { loginsTable, peopleTable, sessionsTable, verificationsTable } from "./tables.ts";

export interface AuthOptions {
  database: Database;
  /** Signs cookies. */
  secret: string;
  /** Public address. */
  baseUrl: string;
  basePath: string;
  /** With it addresses are verified before anybody gets in, and forgotten passwords can be changed. */
  sendMail?: SendMail | undefined;
  /** Keeps the runtime alive for work that nobody waits for. What is waited for would tell by its time whether an address is known. */
  inBackground?: ((work: Promise<unknown>) => void) | undefined;
  github?: { clientId: string; clientSecret: string } | undefined;
}

const PASSWORD_LENGTH_MIN = 10;
/** Hashing takes time by the length, too. */
const PASSWORD_LENGTH_MAX = 128;
const SIGN_UP_PATH = "/sign-up/email";
const SESSION_SECONDS = 7 * 24 * 3_600;

export function createAuth({
  database,
  secret,
  baseUrl,
  basePath,
  sendMail,
  inBackground = () => {},
  github,
}: AuthOptions) {
  return betterAuth({
    appName: "Gantry",
    baseURL: baseUrl,
    basePath,
    secret,
    trustedOrigins: [baseUrl],
    database: drizzleAdapter(createOrm(database), {
      provider: "sqlite",
      schema: {
        user: peopleTable,
        session: sessionsTable,
        account: loginsTable,
        verification: verificationsTable,
      },
    }),
    emailAndPassword: {
      enabled: true,
      minPasswordLength: PASSWORD_LENGTH_MIN,
      maxPasswordLength: PASSWORD_LENGTH_MAX,
      requireEmailVerification: sendMail !== undefined,
      // Whoever had the old password is out.
      revokeSessionsOnPasswordReset: true,
      ...(sendMail && {
        sendResetPassword: ({ user, url }: { user: { email: string }; url: string }) =>
          sendMail({ to: user.email, subject: "A new password for Gantry", text: `Choose a new password:\n${url}` }),
      }),
    },
    ...(sendMail && {
      emailVerification: {
        sendOnSignUp: true,
        autoSignInAfterVerification: true,
        sendVerificationEmail: ({ user, url }: { user: { email: string }; url: string }) =>
          sendMail({ to: user.email, subject: "Your address for Gantry", text: `Confirm your address:\n${url}` }),
      },
    }),
    ...(github && { socialProviders: { github } }),
    databaseHooks: { user: { create: { before: isHeldBySomebody } } },
    // Whoever registered an address that is not theirs must not be joined by its owner, who comes by GitHub later.
    account: { accountLinking: { enabled: false } },
    session: { expiresIn: SESSION_SECONDS, cookieCache: { enabled: false } },
    // /v1 has limits of its own in front.
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    advanced: {
      backgroundTasks: { handler: inBackground },
      cookiePrefix: "gantry",
      useSecureCookies: true,
      defaultCookieAttributes: { sameSite: "lax", httpOnly: true },
    },
    logger: { level: "error" },
  });
}

/**
 * Whoever comes by GitHub with an address that GitHub has not verified would be taken for its owner, by invitations above all: they are not let
 * in. By password an address is verified where there is mail; see SECURITY.md for where there is none.
 */
async function isHeldBySomebody(
  { emailVerified }: { emailVerified: boolean },
  context: { path?: string } | null,
): Promise<false | undefined> {
  const byPassword = context?.path === SIGN_UP_PATH;
  return emailVerified || byPassword ? undefined : false;
}
