/** What is served beside resources: health, version, keys, and the answer for everything else. */
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

export function pageNotFound(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
}

export type PathHandler = (request: Request, at: { path: string; query: string }) => Promise<Response> | Response;

/** Undefined where nothing is served. */
export type PathLookup = (path: string) => PathHandler | undefined;

export function createPaths(cluster: Cluster): PathLookup {
  const { serverUrl, issuer } = cluster.config;
  const handlers: Record<string, PathHandler> = {
    "/version": () => json(VERSION),
    "/.well-known/openid-configuration": () =>
      json({
        issuer,
        jwks_uri: `${serverUrl}/openid/v1/jwks`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
      }),
    "/openid/v1/jwks": async () => json(await keySet(cluster), "application/jwk-set+json"),
  };
  return (path) => {
    const [, check = "", only = ""] = path.split("/");
    if (HEALTH.has(check)) {
      return (_request, { query }) =>
        health(cluster, { check, only, verbose: new URLSearchParams(query).has("verbose") });
    }
    return handlers[path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path];
  };
}

function json(value: unknown, contentType = "application/json"): Response {
  return new Response(JSON.stringify(value), {
    status: 200,
    headers: { ...JSON_HEADERS, "Content-Type": contentType },
  });
}

async function keySet(cluster: Cluster): Promise<{ keys: object[] }> {
  const keys = cluster.keys.tokenKeys.map(async ({ keyId, publicKey }) => {
    const { kty, crv, x, y } = await exportJWK(publicKey);
    return { kty, crv, x, y, kid: keyId, alg: "ES256", use: "sig" };
  });
  return { keys: await Promise.all(keys) };
}

const HEALTH = new Set(["healthz", "livez", "readyz"]);

/** Liveness is the process answering; readiness is the database answering. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  healthz: ["ping", "storage"],
  livez: ["ping"],
  readyz: ["ping", "storage"],
};

async function health(
  cluster: Cluster,
  { check, only, verbose }: { check: string; only: string; verbose: boolean },
): Promise<Response> {
  const all = CHECKS[check] ?? [];
  const names = only === "" ? all : all.filter((name) => name === only);
  if (names.length === 0) throw pageNotFound();
  let failed = false;
  let report = "";
  for (const name of names) {
    const ok = name === "ping" || (await isReadable(cluster));
    failed ||= !ok;
    report += ok ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`;
  }
  const headers = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };
  if (failed) return new Response(`${report}${check} check failed\n`, { status: 500, headers });
  return new Response(verbose ? `${report}${check} check passed\n` : "ok", { status: 200, headers });
}

async function isReadable(cluster: Cluster): Promise<boolean> {
  try {
    await cluster.storage.revision();
    return true;
  } catch (error) {
    cluster.platform.log.warn("readiness check failed", { error: String(error) });
    return false;
  }
}
