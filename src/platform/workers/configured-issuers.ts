/** The issuers outside that the deployment has named for the cluster at its root. */
import type { Authenticator } from "../../authn/authenticator.ts";
import { createOidcAuthenticator } from "../../authn/oidc/authenticator.ts";
import { configurationFault, readConfiguration } from "../../authn/oidc/configuration.ts";
import type { Env } from "./env.ts";
import { fetchDocument } from "./fetch-document.ts";
import { ROOT_ISSUER_RULES as rules } from "./root-cluster.ts";
import { createWorkersPlatform } from "./platform.ts";

/** @throws Error when the variable is no AuthenticationConfiguration: a deployment that lets in fewer than it says is worse than none */
export function configuredIssuers({ AUTHENTICATION_CONFIG: text }: Env): readonly Authenticator[] {
  if (text === undefined || text === "") return [];
  const read = readConfiguration(JSON.parse(text), rules);
  if ("errors" in read) throw new Error(`AUTHENTICATION_CONFIG is not valid: ${configurationFault(read.errors)}`);
  return [createOidcAuthenticator({ ...createWorkersPlatform("issuers"), ...read, rules, fetchDocument })];
}
