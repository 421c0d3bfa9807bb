import { createBootstrapToken } from "../authn/bootstrap-token.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import { readAccess, withAdminClient } from "./access.ts";

/** `gantry token create`: prints the token alone, so that scripts can take it. */
export async function createToken(options: { data: string; ttl: number; singleUse: boolean }): Promise<void> {
  const { clock, random } = createNodePlatform();
  const access = await readAccess(options.data);
  const token = await withAdminClient(access, (client) =>
    createBootstrapToken(
      { client, clock, random },
      { lifetimeMs: options.ttl * 3_600_000, singleUse: options.singleUse },
    ),
  );
  process.stdout.write(`${token}\n`);
}
