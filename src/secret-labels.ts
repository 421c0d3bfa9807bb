/** Labels that authentication leaves on Secrets: as the system itself, which has no permissions to be asked for. */
import type { LabelSecret } from "./authn/service-account.ts";
import type { Client } from "./client/client.ts";
import { secrets } from "./kinds/core/secrets/types.ts";
import { isStatusError } from "./machinery/status-error.ts";
import type { Log } from "./platform/platform.ts";

export function createSecretLabels(deps: { client: () => Client; log: Log }): LabelSecret {
  return async ({ uid, ...at }, { key, value }) => {
    try {
      await deps.client().patch(secrets, at, "merge", { metadata: { uid, labels: { [key]: value } } });
    } catch (error) {
      // Gone, or another one of the name: then it is no good any more either.
      if (isStatusError(error, "NotFound") || isStatusError(error, "Conflict")) return;
      deps.log.warn("the use of a token was not noted", { ...at, error: String(error) });
    }
  };
}
