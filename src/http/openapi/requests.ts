/**
 * `/openapi/v2`, `/openapi/v3` and `/openapi/v3/<path>`: the requests. After k8s.io/kube-openapi/pkg/{handler,handler3}: documents at
 * an address with their hash are kept for a year, and an outdated hash leads to the current one.
 */
import type { Clock } from "../../platform/platform.ts";
import { isKnown } from "../entity-tag.ts";
import { matches, parseAccept } from "../negotiate.ts";
import { pageNotFound, readOnly, type PathHandler, type ServedPaths } from "../paths.ts";
import { acceptsGzip } from "../response.ts";
import type { OpenApi, OpenApiDocument } from "./documents.ts";

const V2 = "/openapi/v2";
const V3 = "/openapi/v3";
const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** An older name for the same, which is what clients send. */
const PROTOBUF_TYPE_BEFORE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

const YEAR_MS = 365 * 24 * 3_600_000;

export function createOpenApiPaths(openApi: OpenApi, { clock }: { clock: Clock }): ServedPaths {
  const v2 = readOnly(async (request) => {
    const type = preferred(request.headers.get("accept"), [JSON_TYPE, PROTOBUF_TYPE_BEFORE, PROTOBUF_TYPE]);
    if (type === undefined) return notAcceptable();
    const isJson = type === JSON_TYPE;
    return respond(request, await openApi.v2(isJson ? "json" : "protobuf"), {
      "Content-Type": isJson ? JSON_TYPE : PROTOBUF_TYPE,
    });
  });
  const index = readOnly(async (request) => respond(request, await openApi.v3Index(), { "Content-Type": JSON_TYPE }));
  const document = readOnly(async (request, { path, query }) => {
    const name = path.slice(V3.length + 1);
    const hash = await openApi.v3Hash(name);
    if (hash === undefined) throw pageNotFound();
    if (preferred(request.headers.get("accept"), [JSON_TYPE]) === undefined) return notAcceptable();
    const asked = new URLSearchParams(query).get("hash") ?? "";
    if (asked !== "" && asked !== hash) return redirect(`${V3}/${name}?hash=${hash}`);
    const headers = { "Content-Type": JSON_TYPE, ...(asked === "" ? {} : immutable(clock.now())) };
    // Who has it already is told so without making it.
    if (isKnown(request, `"${hash}"`)) return notModified(hash, headers);
    const found = await openApi.v3(name);
    if (!found) throw pageNotFound();
    return respond(request, found, headers);
  });

  function find(path: string): PathHandler | undefined {
    if (path === V2) return v2;
    if (path === V3 || path === `${V3}/`) return index;
    return path.startsWith(`${V3}/`) ? document : undefined;
  }
  return { find, listed: [V2, V3, `${V3}/`] };
}

/** The first of these types that the client takes, by its own order; the first of ours where it does not mind. */
function preferred(accept: string | null, types: readonly string[]): string | undefined {
  for (const clause of parseAccept(accept === null || accept === "" ? "*/*" : accept)) {
    const found = types.find((type) => matches(clause, type));
    if (found !== undefined) return found;
  }
  return undefined;
}

function immutable(nowMs: number): Record<string, string> {
  return { "Cache-Control": "public, immutable", Expires: new Date(nowMs + YEAR_MS).toUTCString() };
}

function redirect(location: string): Response {
  return new Response(null, { status: 301, headers: { Location: location, Vary: "Accept" } });
}

function notAcceptable(): Response {
  return new Response(null, { status: 406, headers: { Vary: "Accept" } });
}

function notModified(hash: string, headers: Record<string, string>): Response {
  return new Response(null, {
    status: 304,
    headers: { ...headers, ETag: `"${hash}"`, Vary: "Accept, Accept-Encoding" },
  });
}

/** The document is only kept compressed; who cannot read that gets it unpacked on the way. */
function respond(request: Request, { compressed, hash }: OpenApiDocument, headers: Record<string, string>): Response {
  if (isKnown(request, `"${hash}"`)) return notModified(hash, headers);
  const all = { ...headers, ETag: `"${hash}"`, Vary: "Accept, Accept-Encoding" };
  if (acceptsGzip(request.headers.get("accept-encoding"))) {
    return new Response(compressed, { headers: { ...all, "Content-Encoding": "gzip" } });
  }
  return new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip")), { headers: all });
}
