/** The issuers outside that the operator of an embedded Gantry has named. They may stand in a private network: it is the operator's own. */
import type { Authenticator } from "../../authn/authenticator.ts";
import { createOidcAuthenticator } from "../../authn/oidc/authenticator.ts";
import { configurationFault, ISSUERS_MAX, readConfiguration } from "../../authn/oidc/configuration.ts";
import { SYSTEM_PREFIX, type IssuerRules } from "../../authn/oidc/validation.ts";
import type { Platform } from "../platform.ts";
import { createFetchDocument } from "./fetch-document.ts";
import { StartupError } from "./server.ts";

/** `configuration`: an AuthenticationConfiguration. `issuer`: the cluster's own. @throws StartupError with one line for people */
export function configuredIssuers(options: {
  configuration: unknown;
  issuer: string;
  platform: Pick<Platform, "clock" | "log">;
}): Authenticator {
  const { configuration, issuer, platform } = options;
  const rules: IssuerRules = {
    issuersMax: ISSUERS_MAX,
    disallowedIssuers: [issuer, `${issuer}/nodes`],
    reservedPrefixes: [SYSTEM_PREFIX],
    publicAddressesOnly: false,
    takesCertificateAuthority: true,
  };
  const read = readConfiguration(configuration, rules);
  if ("errors" in read) {
    throw new StartupError(`the authentication configuration is not valid: ${configurationFault(read.errors)}`);
  }
  return createOidcAuthenticator({ ...platform, ...read, rules, fetchDocument: createFetchDocument(rules) });
}
