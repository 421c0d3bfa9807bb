/** What `gantry up` and `gantry edge` are told of issuers outside. */
import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import { configurationFault, readConfiguration } from "../authn/oidc/configuration.ts";
import { StartupError } from "../platform/node/server.ts";
import { ROOT_ISSUER_RULES } from "../platform/workers/root-cluster.ts";

/** An AuthenticationConfiguration as the file has it; whether it is one is seen where it is used. @throws StartupError */
export async function readAuthenticationConfig(file: string): Promise<unknown> {
  try {
    return load(await readFile(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`cannot read the authentication configuration ${file}: ${reason}`, { cause: error });
  }
}

/**
 * The same for workerd, which takes it as JSON in a variable, and would tell of a fault with each request only.
 * @throws StartupError where the edge would not take it
 */
export async function authenticationVariable(file: string): Promise<string> {
  const configuration = await readAuthenticationConfig(file);
  const read = readConfiguration(configuration, ROOT_ISSUER_RULES);
  if ("errors" in read)
    throw new StartupError(
      `${file} is no authentication configuration for the edge: ${configurationFault(read.errors)}`,
    );
  return JSON.stringify(configuration);
}
