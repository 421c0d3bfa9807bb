/** All objects of a cluster that somebody has made, as one stream of YAML documents in an order that applies. */
import { dump } from "js-yaml";
import type { Fetch } from "../../client/client.ts";
import { AccountsError } from "../accounts.ts";
import { applyRank, isPortable, portable } from "./portable.ts";
import { insideClient, servedKinds, type ServedKind } from "./served.ts";

const CHARACTERS_MAX = 64 * 1024 * 1024;

/** `fetch`: as whom. @throws StatusError "Forbidden" where they may not list a resource; AccountsError "limit" */
export async function exportCluster(fetch: Fetch): Promise<string> {
  const client = insideClient(fetch, "gantry-export");
  const resources = onceEach((await servedKinds(fetch)).filter(isPortable));
  const documents: string[] = [];
  let length = 0;
  for (const ref of resources) {
    const { items } = await client.list(ref);
    for (const item of items) {
      const object = portable(ref, item);
      if (!object) continue;
      const document = yamlOf(object);
      length += document.length;
      if (length > CHARACTERS_MAX) throw new AccountsError("limit", "the cluster is too large to be exported at once");
      documents.push(document);
    }
  }
  return documents.join("---\n");
}

/** Of several versions the preferred one; sorted as they are to be applied. */
function onceEach(kinds: readonly ServedKind[]): ServedKind[] {
  const once = new Map<string, ServedKind>();
  for (const kind of kinds) {
    const key = `${kind.resource}.${kind.group}`;
    if (!once.has(key)) once.set(key, kind);
  }
  return [...once.values()].toSorted((a, b) => applyRank(a.resource) - applyRank(b.resource));
}

function yamlOf(object: object): string {
  return dump(object, { lineWidth: -1, noRefs: true });
}
