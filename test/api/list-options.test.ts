/** LIST: which state and how much of it is shown, for each combination of options, and how what cannot be is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
const MAPS = "/api/v1/namespaces/options/configmaps";
const OLD = ["a", "b", "c", "d"];
const NOW = ["a", "c", "d", "e"];
/** resourceVersions as the tables name them, and a token that goes on after "b" in the state of then. */
const revisions: Record<string, string> = { "": "", "0": "0", abc: "abc" };
let token = "";

beforeAll(async () => {
  api = await createTestCluster();
  await write("POST", "/api/v1/namespaces", { metadata: { name: "options" } });
  for (const name of OLD) await write("POST", MAPS, { metadata: { name, labels: { known: "yes" } } });
  const page = await api.call<KubeList>(`${MAPS}?limit=2`);
  token = page.body.metadata.continue ?? "";
  revisions["old"] = page.body.metadata.resourceVersion ?? "";
  await write("POST", MAPS, { metadata: { name: "e", labels: { known: "yes" } } });
  await write("DELETE", `${MAPS}/b`);
  revisions["now"] = String(await api.storage.revision());
  revisions["future"] = String(Number(revisions["now"]) + 1_000);
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

async function write(method: string, path: string, body?: object): Promise<void> {
  const answer = await api.call(path, { method, ...(body ? { body } : {}) });
  if (answer.status >= 300) throw new Error(answer.text);
}

/** Texts of Go's strconv. */
const parseIntText = (value: string, why: string) => `strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`;
const parseUintText = (value: string, why = "invalid syntax") =>
  `resourceVersion: Invalid value: ${JSON.stringify(value)}: strconv.ParseUint: parsing ${JSON.stringify(value)}: ${why}`;

const encode = (value: unknown) =>
  btoa(typeof value === "string" ? value : JSON.stringify(value))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const decode = (text: string) => JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/"))) as object;

const names = (list: KubeList): string[] => list.items.map(({ metadata }) => metadata.name ?? "");

describe("resourceVersion × resourceVersionMatch × limit × continue", () => {
  const WITHOUT = ["now", "now…", "rest", "rest…"];
  const INVALID = ["422", "422", "422", "422"];
  /** Without more, with limit=1, with continue, with both. */
  const TABLE: [revision: string, match: string, outcomes: string[]][] = [
    ["", "", WITHOUT],
    ["", "Exact", INVALID],
    ["", "NotOlderThan", INVALID],
    ["", "Sometimes", INVALID],
    // From any state there are no pages.
    ["0", "", ["now", "now", "rest", "rest"]],
    ["0", "Exact", INVALID],
    ["0", "NotOlderThan", ["now", "now", "422", "422"]],
    ["old", "", ["now", "old…", "400", "400"]],
    ["old", "Exact", ["old", "old…", "422", "422"]],
    ["old", "NotOlderThan", ["now", "now…", "422", "422"]],
    ["old", "Sometimes", INVALID],
    ["now", "", ["now", "now…", "400", "400"]],
    ["now", "Exact", ["now", "now…", "422", "422"]],
    ["now", "NotOlderThan", ["now", "now…", "422", "422"]],
    ["future", "", ["504", "504", "400", "400"]],
    ["future", "Exact", ["504", "504", "422", "422"]],
    ["future", "NotOlderThan", ["504", "504", "422", "422"]],
    ["abc", "", ["400", "400", "400", "400"]],
    ["abc", "Exact", ["400", "400", "422", "422"]],
    ["abc", "NotOlderThan", ["400", "400", "422", "422"]],
  ];
  const cases = TABLE.flatMap(([revision, match, outcomes]) =>
    outcomes.map((outcome, column) => ({ revision, match, limited: column % 2 === 1, continued: column > 1, outcome })),
  );

  it.each(cases)(
    "rv $revision, match $match, limited $limited, continued $continued: $outcome",
    async ({ revision, match, limited, continued, outcome }) => {
      const query = new URLSearchParams();
      if (revision !== "") query.set("resourceVersion", revisions[revision] ?? "");
      if (match !== "") query.set("resourceVersionMatch", match);
      if (limited) query.set("limit", "1");
      if (continued) query.set("continue", token);
      const { status, body, text } = await api.call<KubeList>(`${MAPS}?${query}`);
      if (/^\d+$/.test(outcome)) return expect(status, text).toBe(Number(outcome));
      expect(status, text).toBe(200);
      const [state = ""] = outcome.split("…");
      const all = state === "now" ? NOW : state === "old" ? OLD : ["c", "d"];
      expect(names(body)).toEqual(outcome.endsWith("…") ? all.slice(0, 1) : all);
      expect(body.metadata.continue !== undefined).toBe(outcome.endsWith("…"));
      expect(body.metadata.remainingItemCount).toBe(outcome.endsWith("…") ? all.length - 1 : undefined);
      expect(body.metadata.resourceVersion).toBe(revisions[state === "now" ? "now" : "old"]);
    },
  );
});

describe("limit", () => {
  it.each([
    ["limit=0", NOW, false],
    ["limit=-1", NOW, false],
    ["limit=4", NOW, false],
    ["limit=100000", NOW, false],
    ["limit=9223372036854775807", NOW, false],
    ["limit=3", NOW.slice(0, 3), true],
    ["limit=1&labelSelector=known%3Dyes", ["a"], true],
    ["limit=1&fieldSelector=metadata.name%3Dc", ["c"], false],
  ])("%s", async (query, expected, more) => {
    const { body } = await api.call<KubeList>(`${MAPS}?${query}`);
    expect(names(body)).toEqual(expected);
    expect(body.metadata.continue !== undefined).toBe(more);
    if (query.includes("Selector")) expect(body.metadata.remainingItemCount).toBeUndefined();
  });

  it("with a resourceVersion does not mean the exact state where one object is asked for", async () => {
    const one = `${MAPS}?fieldSelector=metadata.name%3De&limit=1&resourceVersion=${revisions["old"]}`;
    expect(names((await api.call<KubeList>(one)).body)).toEqual(["e"]);
    const exact = await api.call<KubeList>(`${one}&resourceVersionMatch=Exact`);
    expect(names(exact.body)).toEqual([]);
  });
});

describe("what is wrong is said as a stock server says it", () => {
  it.each([
    ["limit=x", parseIntText("x", "invalid syntax")],
    ["limit=", parseIntText("", "invalid syntax")],
    ["limit=1.5", parseIntText("1.5", "invalid syntax")],
    ["limit=9223372036854775808", parseIntText("9223372036854775808", "value out of range")],
    ["timeoutSeconds=soon", parseIntText("soon", "invalid syntax")],
    ["resourceVersion=abc", `invalid resource version: ${parseUintText("abc")}`],
    ["resourceVersion=-1", `invalid resource version: ${parseUintText("-1")}`],
    ["resourceVersion=1.0", `invalid resource version: ${parseUintText("1.0")}`],
    [
      "resourceVersion=18446744073709551616",
      `invalid resource version: ${parseUintText("18446744073709551616", "value out of range")}`,
    ],
    // What cannot be decoded comes before what does not go together, and before what the kind cannot select by.
    ["limit=x&resourceVersionMatch=Exact", parseIntText("x", "invalid syntax")],
    ["limit=x&labelSelector=a%3Db%3Dc", parseIntText("x", "invalid syntax")],
    ["fieldSelector=a", "invalid selector: 'a'; can't understand 'a'"],
  ])("400 for %s", async (query, message) => {
    assertFailure(await api.call(`${MAPS}?${query}`), { code: 400, reason: "BadRequest", message });
  });

  it.each([
    ["resourceVersionMatch=Exact", ["Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"]],
    [
      "resourceVersion=0&resourceVersionMatch=Exact",
      ['Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
    ],
    [
      "resourceVersion=1&resourceVersionMatch=Sometimes",
      ['Unsupported value: "Sometimes": supported values: "Exact", "NotOlderThan", ""'],
    ],
    [
      "resourceVersion=1&resourceVersionMatch=Exact&continue=x",
      ["Forbidden: resourceVersionMatch is forbidden when continue is provided"],
    ],
    [
      "resourceVersionMatch=Sometimes&continue=x",
      [
        "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        "Forbidden: resourceVersionMatch is forbidden when continue is provided",
        'Unsupported value: "Sometimes": supported values: "Exact", "NotOlderThan", ""',
      ],
    ],
    ["sendInitialEvents=true", ["Forbidden: sendInitialEvents is forbidden for list"]],
    ["sendInitialEvents=false", ["Forbidden: sendInitialEvents is forbidden for list"]],
  ])("422 for %s", async (query, messages) => {
    const status = assertFailure(await api.call(`${MAPS}?${query}`), { code: 422, reason: "Invalid" });
    expect(status.details).toMatchObject({ group: "meta.k8s.io", kind: "ListOptions" });
    expect(status.details?.causes?.map(({ message }) => message)).toEqual(messages);
    const field = query.startsWith("send") ? "sendInitialEvents" : "resourceVersionMatch";
    const texts = messages.map((message) => `${field}: ${message}`);
    const joined = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
    expect(status.message).toBe(`ListOptions.meta.k8s.io "" is invalid: ${joined}`);
  });

  it.each([String(2n ** 64n - 1n), "99999999"])("504 for the revision %s, which is yet to come", async (asked) => {
    for (const match of ["", "Exact", "NotOlderThan"]) {
      const query = `resourceVersion=${asked}${match === "" ? "" : `&resourceVersionMatch=${match}`}`;
      const answer = await api.call(`${MAPS}?${query}`);
      const status = assertFailure(answer, {
        code: 504,
        reason: "Timeout",
        message: `Timeout: Too large resource version: ${asked}, current: ${revisions["now"]}`,
      });
      expect(status.details).toEqual({
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1,
      });
      expect(answer.headers.get("retry-after")).toBe("1");
    }
  });
});

describe("continue tokens", () => {
  const KEY = "invalid continue token: continue key is not valid";

  it.each<[string, string | ((real: object) => unknown), string]>([
    ["no base64", "x*z", `${KEY}: illegal base64 data at input byte 1`],
    ["padded base64", "e30=", `${KEY}: illegal base64 data at input byte 3`],
    ["half a byte", "abcde", `${KEY}: illegal base64 data at input byte 4`],
    ["no JSON", () => "hello", `${KEY}: invalid character 'h' looking for beginning of value`],
    ["nothing", () => " ", `${KEY}: unexpected end of JSON input`],
    ["another type", () => [1], `${KEY}: json: cannot unmarshal array into Go value of type storage.continueToken`],
    ["no version", () => ({}), `${KEY}: server does not recognize this encoded version `],
    [
      "another version",
      (real) => ({ ...real, v: "meta.k8s.io/v9" }),
      `${KEY}: server does not recognize this encoded version meta.k8s.io/v9`,
    ],
    [
      "revision 0",
      (real) => ({ ...real, rv: 0 }),
      `${KEY}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)`,
    ],
    [
      "a revision that is no number",
      (real) => ({ ...real, rv: "7" }),
      `${KEY}: json: cannot unmarshal string into Go struct field continueToken.rv of type int64`,
    ],
    ["no key", (real) => ({ ...real, start: "" }), `${KEY}: encoded start key empty (version meta.k8s.io/v1)`],
    ["a key that climbs", (real) => ({ ...real, start: "../secrets/x" }), `${KEY}: ../secrets/x`],
    ["a key with an empty part", (real) => ({ ...real, start: "a//b" }), `${KEY}: a//b`],
    ["one of another server", (real) => ({ ...real, at: undefined }), `${KEY}: options/b`],
  ])("with %s are refused", async (_what, forged, message) => {
    const text = typeof forged === "string" ? forged : encode(forged(decode(token)));
    assertFailure(await api.call(`${MAPS}?continue=${text}`), { code: 400, reason: "BadRequest", message });
    // A token that cannot be read is worse than one in bad company.
    const both = await api.call(`${MAPS}?continue=${text}&resourceVersion=1`);
    assertFailure(both, { code: 400, reason: "BadRequest", message });
  });

  it("do not go with a resourceVersion", async () => {
    assertFailure(await api.call(`${MAPS}?continue=${token}&resourceVersion=1`), {
      code: 400,
      reason: "BadRequest",
      message: "specifying resource version is not allowed when using continue",
    });
  });

  it("of a revision that is yet to come are a 504", async () => {
    const text = encode({ ...decode(token), rv: 99_999_999 });
    assertFailure(await api.call(`${MAPS}?continue=${text}`), { code: 504, reason: "Timeout" });
  });

  it("of one list may be used with another: nothing leaves its resource and namespace", async () => {
    await write("POST", "/api/v1/namespaces", { metadata: { name: "other" } });
    const { body } = await api.call<KubeList>(`/api/v1/namespaces/other/secrets?continue=${token}`);
    expect(body).toMatchObject({ kind: "SecretList", items: [] });
    const all = await api.call<KubeList>(`/api/v1/configmaps?continue=${token}`);
    expect(names(all.body)).toEqual(["c", "d"]);
  });
});

it("a state that was compacted is a 410 without a token", async () => {
  await write("POST", MAPS, { metadata: { name: "z" } });
  const floor = await api.storage.revision();
  while (!(await api.storage.compact({ floor, limit: 500 })).done);
  const answer = await api.call(`${MAPS}?resourceVersion=${revisions["old"]}&resourceVersionMatch=Exact`);
  const status = assertFailure(answer, {
    code: 410,
    reason: "Expired",
    message: "The resourceVersion for the provided list is too old.",
  });
  expect(status.metadata).toEqual({});
  await write("DELETE", `${MAPS}/z`);
});
