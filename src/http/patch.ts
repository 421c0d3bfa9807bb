/** PATCH bodies: which patch it is, and a function that applies it to the state of each try. */
import { parsePatch } from "../encoding/patch-body.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { applyPatch } from "../machinery/patch/apply-patch.ts";
import { createSchema, type Schema } from "../schema/schema.ts";
import type { BodyType } from "./body-type.ts";
import { readBody, unsupported } from "./body.ts";
import type { Exchange, Services } from "./exchange.ts";

export type PatchKind = "json" | "merge" | "strategic";

/** The patch of a request, parsed once. */
export interface ParsedPatch {
  /** @throws StatusError BadRequest, Invalid */
  apply: (object: KubeObject) => unknown;
  patch: unknown;
  /** What strict field validation found in the patch itself. */
  faults: readonly string[];
}

export interface Patcher {
  parse(bytes: Uint8Array, as: { kind: PatchKind; type: BodyType; name: string }): ParsedPatch;
}

/** The body is decoded once; a malformed one is refused before anything is read. */
export function createPatcher(schema: Pick<Schema, "node"> = createSchema()): Patcher {
  return {
    parse(bytes, { kind, type }) {
      const { value: patch, faults } = parsePatch(kind, bytes);
      const node = kind === "strategic" ? schema.node(type.schema) : undefined;
      const apply = (original: unknown) =>
        applyPatch({ type: kind, original, patch, ...(node ? { schema: node } : {}) });
      return { apply, patch, faults };
    },
  };
}

/** In the order in which a refusal names them. */
const KINDS: Readonly<Record<string, PatchKind | "apply">> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** Which patch a request brings. @throws StatusError UnsupportedMediaType */
export function patchKindOf(exchange: Exchange): PatchKind | "apply" {
  const header = exchange.request.headers.get("content-type") ?? "";
  const kind = KINDS[(header.split(";")[0] ?? "").trim().toLowerCase()];
  if (kind === undefined) throw unsupported(Object.keys(KINDS));
  return kind;
}

/** The result is decoded like any body: wrong types are refused, unknown fields reported. */
export async function readPatch(
  services: Services,
  exchange: Exchange,
  { kind, type = exchange.resource.kind }: { kind: PatchKind; type?: BodyType },
): Promise<(old: KubeObject) => KubeObject> {
  const body = await readBody(exchange.request);
  const { apply, patch, faults } = services.patcher.parse(body, { kind, type, name: exchange.info.name });
  let quiet = false;
  return (old) => {
    const object = services.bodies.patched(exchange, apply(old), { type, quiet, patch: { kind, patch, faults } });
    quiet = true;
    return object;
  };
}
