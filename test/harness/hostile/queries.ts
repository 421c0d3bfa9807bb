/** Paths and queries. */
import { filled, MAPS, type HostileRequest } from "./request.ts";

const get = (name: string, path: () => string, status: number): HostileRequest => ({
  name: `query: ${name}`,
  get path() {
    return path();
  },
  init: () => ({ method: "GET" }),
  status,
});

const QUERY_CHARACTERS = 1_000_000;

export const QUERIES: HostileRequest[] = [
  get("requirements", () => `${MAPS}?labelSelector=${filled(QUERY_CHARACTERS, (at) => `k${at}`)}`, 400),
  get(
    "values of a requirement",
    () => `${MAPS}?labelSelector=k in (${filled(QUERY_CHARACTERS, (at) => `v${at}`)})`,
    400,
  ),
  get("values that are none", () => `${MAPS}?labelSelector=k in (${filled(QUERY_CHARACTERS, () => `-`)})`, 400),
  get("a key that is none", () => `${MAPS}?labelSelector=${"-".repeat(QUERY_CHARACTERS)}`, 400),
  get("brackets", () => `${MAPS}?labelSelector=${"(".repeat(QUERY_CHARACTERS)}`, 400),
  get("spaces", () => `${MAPS}?labelSelector=${"+".repeat(QUERY_CHARACTERS)}`, 200),
  get("fields", () => `${MAPS}?fieldSelector=${filled(QUERY_CHARACTERS, (at) => `metadata.name!=k${at}`)}`, 400),
  get("a field that is none", () => `${MAPS}?fieldSelector=${"x".repeat(QUERY_CHARACTERS)}`, 400),
  get("escapes in a field", () => `${MAPS}?fieldSelector=metadata.name=${"\\\\".repeat(QUERY_CHARACTERS / 2)}`, 200),
  get("a continue token", () => `${MAPS}?limit=1&continue=${"A".repeat(QUERY_CHARACTERS)}`, 400),
  get(
    "a continue token of brackets",
    () => `${MAPS}?limit=1&continue=${btoa("[".repeat(QUERY_CHARACTERS / 2)).replace(/=+$/, "")}`,
    400,
  ),
  get("a revision", () => `${MAPS}?resourceVersion=${"1".repeat(QUERY_CHARACTERS)}`, 400),
  get("a limit", () => `${MAPS}?limit=${"1".repeat(QUERY_CHARACTERS)}`, 400),
  get("parameters", () => `${MAPS}?${filled(QUERY_CHARACTERS, (at) => `k${at}=v`, "&")}`, 200),
  get("slashes", () => `/api/v1${"/".repeat(QUERY_CHARACTERS)}`, 404),
  get("segments", () => `/apis${"/a".repeat(QUERY_CHARACTERS / 2)}`, 404),
  get("percent signs", () => `/api/v1/namespaces/default/configmaps/${"%41".repeat(QUERY_CHARACTERS / 3)}`, 404),
];
