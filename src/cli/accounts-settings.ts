/** What people's accounts need of the world outside; by the environment, since half of it is secret. */
import type { AccountsSettings } from "../platform/node/accounts.ts";
import { StartupError } from "../platform/node/server.ts";

/** @throws StartupError for half of a setting */
export function accountsSettingsOf(environment: Readonly<Record<string, string | undefined>>): AccountsSettings {
  const both = (first: string, second: string): [string, string] | undefined => {
    const [one, other] = [environment[first] ?? "", environment[second] ?? ""];
    if (one === "" && other === "") return undefined;
    if (one === "" || other === "") throw new StartupError(`${first} and ${second} belong together: one is missing`);
    return [one, other];
  };
  const mail = both("GANTRY_MAIL_WEBHOOK_URL", "GANTRY_MAIL_WEBHOOK_SECRET");
  const github = both("GANTRY_GITHUB_CLIENT_ID", "GANTRY_GITHUB_CLIENT_SECRET");
  if (mail && !URL.canParse(mail[0])) throw new StartupError("GANTRY_MAIL_WEBHOOK_URL is no address");
  return {
    ...(mail ? { mail: { url: mail[0], secret: mail[1] } } : {}),
    ...(github ? { github: { clientId: github[0], clientSecret: github[1] } } : {}),
  };
}
