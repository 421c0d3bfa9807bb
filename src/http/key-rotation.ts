/** POST /gantry/v1/keys/rotate: what `gantry rotate-keys` calls, until it says that it is done. For system:masters, as any unlisted path. */
import { keyIdOf } from "../authn/service-account.ts";
import type { Cluster } from "../cluster.ts";
import type { Secret } from "../kinds/core/secrets/types.ts";
import { textFromBase64 } from "../machinery/base64.ts";
import { StatusError } from "../machinery/status-error.ts";
import { rotateKeys } from "../pki/rotate-keys.ts";
import type { StorageReader } from "../storage/storage.ts";
import { methodNotAllowed, type ServedPaths } from "./paths.ts";
import { JSON_HEADERS } from "./response.ts";

export const ROTATION_PATH = "/gantry/v1/keys/rotate";

/** A request of the edge ends some time; the caller asks again. */
const CALL_MS_MAX = 10_000;
const SECRETS_PAGE = 200;
const TOKEN_SECRETS = {
  labels: [],
  fields: [{ field: "type", operator: "=" as const, value: "kubernetes.io/service-account-token" }],
};

export function createKeyRotationPath({ keys, reencrypt, storage, platform }: Cluster): ServedPaths {
  const { clock, log } = platform;
  const handler = async (request: Request): Promise<Response> => {
    if (request.method !== "POST") throw methodNotAllowed();
    if (!reencrypt) throw new StatusError("ServiceUnavailable", "keys cannot be rotated from here");
    const deps = {
      keys,
      reencrypt,
      clock,
      log,
      heldTokenKeys: (ids: readonly string[]) => heldTokenKeys(storage, ids),
    };
    const report = await rotateKeys(deps, { deadlineMs: clock.now() + CALL_MS_MAX });
    return new Response(JSON.stringify(report), { status: 200, headers: { ...JSON_HEADERS } });
  };
  return { find: (path) => (path === ROTATION_PATH ? handler : undefined), listed: [] };
}

async function heldTokenKeys(storage: StorageReader, keyIds: readonly string[]): Promise<readonly string[]> {
  const held = new Set<string>();
  let after: { namespace: string; name: string } | undefined;
  do {
    const query = { resource: "secrets", selector: TOKEN_SECRETS, limit: SECRETS_PAGE, counted: false };
    const { objects, more } = await storage.list(after ? { ...query, after } : query);
    for (const { value } of objects) {
      const { data } = JSON.parse(value) as Secret;
      const keyId = keyIdOf(textFromBase64(data?.["token"] ?? ""));
      if (keyId !== undefined) held.add(keyId);
    }
    after = more ? objects.at(-1) : undefined;
  } while (after);
  return keyIds.filter((keyId) => held.has(keyId));
}
