/** What is served beside resources: the index, version, keys, and the answer for everything else. */
import { exportJWK } from "jose";
import { StatusError } from "../machinery/status-error.ts";
import type { Cluster } from "../cluster.ts";
import { JSON_HEADERS } from "./response.ts";

/** The version of Kubernetes whose API this is. */
export const KUBERNETES_VERSION = "v1.36.0";

export const VERSION = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: `${KUBERNETES_VERSION}+gantry`,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "",
};

/** The labels of kubernetes_build_info. */
export const BUILD = {
  major: VERSION.major,
  minor: VERSION.minor,
  git_version: VERSION.gitVersion,
  git_commit: VERSION.gitCommit,
  git_tree_state: VERSION.gitTreeState,
  build_date: VERSION.buildDate,
  go_version: VERSION.goVersion,
  compiler: VERSION.compiler,
  platform: VERSION.platform,
};

export function pageNotFound(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
}

export function methodNotAllowed(): StatusError {
  return new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", {
    details: {},
  });
}

export type PathHandler = (request: Request, at: { path: string; query: string }) => Promise<Response> | Response;

/** Some of what is served beside resources. */
export interface ServedPaths {
  /** Undefined where nothing is served. */
  find(path: string): PathHandler | undefined;
  /** What `/` names of it. */
  listed: readonly string[];
}

/** For documents: any method but GET and HEAD is refused. */
export function readOnly(handler: PathHandler): PathHandler {
  return (request, at) => {
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
    return handler(request, at);
  };
}

/** All of these, and `/`, which lists them. */
export function joinPaths(parts: readonly ServedPaths[]): ServedPaths {
  const listed = parts.flatMap((part) => part.listed).toSorted();
  const index = readOnly(() => json({ paths: listed }));
  return {
    find(path) {
      if (path === "/" || path === "/index.html") return index;
      for (const part of parts) {
        const handler = part.find(path);
        if (handler) return handler;
      }
      return undefined;
    },
    listed,
  };
}

export function createPaths({ config, keys }: Pick<Cluster, "config" | "keys">): ServedPaths {
  const { serverUrl, issuer } = config;
  const handlers: Record<string, PathHandler> = {
    "/version": readOnly(() => json(VERSION)),
    "/.well-known/openid-configuration": readOnly(() =>
      json({
        issuer,
        jwks_uri: `${serverUrl}/openid/v1/jwks`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
      }),
    ),
    "/openid/v1/jwks": readOnly(async () => json(await keySet(keys), "application/jwk-set+json")),
  };
  return {
    find: (path) => handlers[path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path],
    listed: Object.keys(handlers),
  };
}

function json(value: unknown, contentType = "application/json"): Response {
  return new Response(JSON.stringify(value), {
    status: 200,
    headers: { ...JSON_HEADERS, "Content-Type": contentType },
  });
}

async function keySet(clusterKeys: Cluster["keys"]): Promise<{ keys: object[] }> {
  const keys = clusterKeys.tokenKeys.map(async ({ keyId, publicKey }) => {
    const { kty, crv, x, y } = await exportJWK(publicKey);
    return { kty, crv, x, y, kid: keyId, alg: "ES256", use: "sig" };
  });
  return { keys: await Promise.all(keys) };
}
