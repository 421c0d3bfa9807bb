/** Applies a stream of YAML documents, each by a server-side apply of the caller. What fails is told; the rest goes on. */
import { loadYaml } from "../../encoding/yaml.ts";
import type { Fetch } from "../../client/client.ts";
import { resourcePath } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { Status } from "../../machinery/status-error.ts";
import { AccountsError } from "../accounts.ts";
import { applyRank } from "./portable.ts";
import { INSIDE, servedKinds, type ServedKind } from "./served.ts";

export interface ImportReport {
  applied: string;
  failed: { object: string; message: string }[];
}

const OBJECTS_MAX = 20_000;
const FAILURES_TOLD_MAX = 100;
const MANAGER = "gantry-import";
/** Neither a line of a block scalar nor of a flow can stand at the very beginning of a line like this. */
const SEPARATOR = /^---(?:[ \t].*)?$/m;

/** @throws AccountsError "invalid" for what is no YAML, "limit" for too many objects */
export async function importObjects(fetch: Fetch, yaml: string): Promise<ImportReport> {
  const documents = parse(yaml);
  let kinds = await servedKinds(fetch);
  const served = kinds;
  const ranked = documents.toSorted((a, b) => rankOf(served, a.object) - rankOf(served, b.object));
  const report: ImportReport = { applied: "0", failed: [] };
  let applied = 0;
  for (const { object, text } of ranked) {
    // A definition before it may have brought its kind.
    if (!kindOf(kinds, object)) kinds = await servedKinds(fetch);
    const message = await apply(fetch, kindOf(kinds, object), { object, text });
    if (message === undefined) applied++;
    else if (report.failed.length < FAILURES_TOLD_MAX) report.failed.push({ object: nameOf(object), message });
  }
  return { ...report, applied: String(applied) };
}

/** An object with the text it was read from: that is what is sent, so that nothing is lost on the way. */
interface Document {
  object: KubeObject;
  text: string;
}

function parse(yaml: string): Document[] {
  const documents: Document[] = [];
  for (const [at, text] of yaml.split(SEPARATOR).entries()) {
    const object = parseOne(text, at);
    if (object === undefined) continue;
    documents.push({ object, text });
    if (documents.length > OBJECTS_MAX) throw new AccountsError("limit", `at most ${OBJECTS_MAX} objects at once`);
  }
  return documents;
}

function parseOne(text: string, at: number): KubeObject | undefined {
  if (text.split("\n").every((line) => /^\s*(#.*)?$/.test(line))) return undefined;
  let value: unknown;
  try {
    ({ value } = loadYaml(text));
  } catch (cause) {
    throw new AccountsError("invalid", `document ${at + 1} is no YAML that can be read`, { cause });
  }
  const object = value as Partial<KubeObject> | null;
  if (!object?.apiVersion || !object.kind || !object.metadata?.name)
    throw new AccountsError("invalid", `document ${at + 1} has no apiVersion, kind or name`);
  return object as KubeObject;
}

function kindOf(kinds: readonly ServedKind[], { apiVersion = "", kind }: KubeObject): ServedKind | undefined {
  return kinds.find(
    (one) => one.kind === kind && apiVersion === (one.group ? `${one.group}/${one.version}` : one.version),
  );
}

function rankOf(kinds: readonly ServedKind[], object: KubeObject): number {
  return applyRank(kindOf(kinds, object)?.resource ?? "");
}

function nameOf({ apiVersion, kind, metadata: { namespace, name } }: KubeObject): string {
  return `${apiVersion} ${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** Undefined when it is applied; else why not. */
async function apply(
  fetch: Fetch,
  ref: ServedKind | undefined,
  { object, text }: Document,
): Promise<string | undefined> {
  if (!ref) return "the cluster serves no such kind";
  const { name = "", namespace = "default" } = object.metadata;
  const path = resourcePath(ref, { name, ...(ref.namespaced ? { namespace } : {}) });
  const request = new Request(`${INSIDE}${path}?fieldManager=${MANAGER}&force=true`, {
    method: "PATCH",
    headers: { "content-type": "application/apply-patch+yaml", accept: "application/json" },
    body: text,
  });
  const response = await fetch(request);
  const answer = await response.text();
  return response.ok ? undefined : (JSON.parse(answer) as Status).message;
}
