/** What `gantry up` is told of issuers outside. */
import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import { StartupError } from "../platform/node/server.ts";

/** An AuthenticationConfiguration as the file has it; whether it is one is seen where it is used. @throws StartupError */
export async function readAuthenticationConfig(file: string): Promise<unknown> {
  try {
    return load(await readFile(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`cannot read the authentication configuration ${file}: ${reason}`, { cause: error });
  }
}
