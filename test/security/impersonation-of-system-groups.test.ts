/**
 * Acting as somebody else, and through that as everybody: each part of an identity is a right of its own, whatever the header's case,
 * order, number or encoding.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { grantRules, make } from "../harness/grants.ts";

let api: TestCluster;
/** Of a service account that may impersonate users, and nothing else. */
let token: string;
/** Of one that may impersonate one service account. */
let narrow: string;

const ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts";
const SECRETS = "/api/v1/namespaces/kube-system/secrets";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

async function accountWith(name: string, rules: object[]): Promise<string> {
  await make(api, ACCOUNTS, { metadata: { name } });
  await make(api, `${RBAC}/clusterroles`, { metadata: { name }, rules });
  await make(api, `${RBAC}/clusterrolebindings`, {
    metadata: { name },
    subjects: [{ kind: "ServiceAccount", namespace: "default", name }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
  });
  return (await make<{ status: { token: string } }>(api, `${ACCOUNTS}/${name}/token`, {})).status.token;
}

const impersonate = (resources: string[], more: object = {}) => ({
  verbs: ["impersonate"],
  apiGroups: [""],
  resources,
  ...more,
});

beforeAll(async () => {
  api = await createTestCluster();
  token = await accountWith("users", [impersonate(["users"])]);
  narrow = await accountWith("narrow", [impersonate(["serviceaccounts"], { resourceNames: ["users"] })]);
  await grantRules(api, { user: "reader", rules: [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }] });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

interface Me {
  status: { userInfo: { username: string; groups: string[]; uid?: string; extra?: Record<string, string[]> } };
}

/** Header names as they are written: some clients and proxies change their case. */
function whoAmI(headers: [string, string][], as = token) {
  const all = new Headers();
  for (const [name, value] of headers) all.append(name, value);
  return api.call<Me>("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    method: "POST",
    body: {},
    token: as,
    headers: all as unknown as Record<string, string>,
  });
}

const AS = "Impersonate-User";
const GROUP = "Impersonate-Group";

describe("who may impersonate users alone", () => {
  it("is such a user, with the groups that everybody has", async () => {
    const { status, body } = await whoAmI([[AS, "bob"]]);
    expect([status, body.status.userInfo]).toEqual([201, { username: "bob", groups: ["system:authenticated"] }]);
  });

  it.each<[string, [string, string][]]>([
    [
      "system:masters",
      [
        [AS, "bob"],
        [GROUP, "system:masters"],
      ],
    ],
    [
      "lower case",
      [
        [AS, "bob"],
        ["impersonate-group", "system:masters"],
      ],
    ],
    [
      "upper case",
      [
        [AS, "bob"],
        ["IMPERSONATE-GROUP", "system:masters"],
      ],
    ],
    [
      "behind an empty one",
      [
        [AS, "bob"],
        [GROUP, ""],
        [GROUP, "system:masters"],
      ],
    ],
    [
      "before an empty one",
      [
        [AS, "bob"],
        [GROUP, "system:masters"],
        [GROUP, ""],
      ],
    ],
    [
      "in a list",
      [
        [AS, "bob"],
        [GROUP, "system:authenticated,system:masters"],
      ],
    ],
    [
      "in a list without a blank",
      [
        [AS, "bob"],
        [GROUP, ",,system:masters,,"],
      ],
    ],
    [
      "of nodes",
      [
        [AS, "system:node:n1"],
        [GROUP, "system:nodes"],
      ],
    ],
    [
      "of everybody",
      [
        [AS, "bob"],
        [GROUP, "system:authenticated"],
      ],
    ],
    [
      "of nobody",
      [
        [AS, "bob"],
        [GROUP, "system:unauthenticated"],
      ],
    ],
    [
      "of accounts",
      [
        [AS, "bob"],
        [GROUP, "system:serviceaccounts:kube-system"],
      ],
    ],
    [
      "a uid",
      [
        [AS, "bob"],
        ["Impersonate-Uid", "1"],
      ],
    ],
    [
      "an extra",
      [
        [AS, "bob"],
        ["Impersonate-Extra-Scopes", "all"],
      ],
    ],
    [
      "an extra of ours",
      [
        [AS, "system:node:n1"],
        ["Impersonate-Extra-authentication.gantry.dev%2fnode-key", "x"],
      ],
    ],
    [
      "an extra in capitals",
      [
        [AS, "bob"],
        ["IMPERSONATE-EXTRA-%53copes", "all"],
      ],
    ],
    [
      "an extra without a name",
      [
        [AS, "bob"],
        ["Impersonate-Extra-", "all"],
      ],
    ],
    ["a service account", [[AS, "system:serviceaccount:kube-system:generic-garbage-collector"]]],
  ])("gets nothing more: %s", async (_name, headers) => {
    const answer = await whoAmI(headers);
    expect(answer.status, answer.text).toBe(403);
  });

  it.each<[string, [string, string][]]>([
    ["groups", [[GROUP, "system:masters"]]],
    ["a uid", [["Impersonate-Uid", "1"]]],
    ["extras", [["Impersonate-Extra-Scopes", "all"]]],
    [
      "groups of an empty name",
      [
        [AS, ""],
        [GROUP, "system:masters"],
      ],
    ],
  ])("is refused %s without a user", async (_name, headers) => {
    expect((await whoAmI(headers)).status).toBe(400);
  });

  it.each([
    // As they are written they are users; the rights of an account or a node are not a matter of the name alone.
    "system:serviceaccount:kube-system",
    "system:serviceaccount:kube-system:generic-garbage-collector:x",
    "SYSTEM:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:",
    "system:serviceaccount::generic-garbage-collector",
    "system:node:n1",
    "system:masters",
    "system:admin",
    "bob, system:masters",
    "bob\u00a0",
  ])("is as good as anybody under the name of %s", async (name) => {
    const answer = await whoAmI([[AS, name]]);
    expect(answer.status, answer.text).toBe(201);
    expect(answer.body.status.userInfo.groups).toEqual(["system:authenticated"]);
    const secrets = await api.call(SECRETS, { token, headers: { [AS]: name } });
    expect(secrets.status).toBe(403);
  });

  it("gives two names, and is neither", async () => {
    const { body } = await whoAmI([
      [AS, "bob"],
      [AS, "admin"],
    ]);
    expect(["bob", "admin"]).not.toContain(body.status?.userInfo.username);
  });

  it("does not come back to itself", async () => {
    // Whom one acts as may not act on: the second name is of the same request.
    const { body } = await whoAmI([[AS, "reader"]]);
    expect(body.status.userInfo.username).toBe("reader");
    const read = (as: string) => api.call(`${SECRETS}/none`, { token, headers: { [AS]: as } });
    expect([(await read("reader")).status, (await read("bob")).status]).toEqual([404, 403]);
  });

  it("may not learn what the masters may", async () => {
    const headers = { [AS]: "bob", [GROUP]: "system:masters" };
    for (const [path, method] of [
      ["/apis", "GET"],
      ["/healthz", "GET"],
      [SECRETS, "GET"],
      ["/api/v1/namespaces", "POST"],
      ["/audit", "GET"],
    ] as const) {
      const answer = await api.call(path, { method, token, headers, ...(method === "POST" ? { body: {} } : {}) });
      expect(answer.status, path).toBe(403);
    }
  });
});

const statusAs = async (name: string): Promise<number> => (await whoAmI([[AS, name]], narrow)).status;

describe("who may impersonate one service account by name", () => {
  it("is that one, and no user or account of another name", async () => {
    expect(await statusAs("system:serviceaccount:default:users")).toBe(201);
    expect(await statusAs("system:serviceaccount:default:narrow")).toBe(403);
    expect(await statusAs("users")).toBe(403);
    expect(await statusAs("system:serviceaccount:default:users:x")).toBe(403);
    expect(await statusAs("system:serviceaccount:default:Users")).toBe(403);
  });

  it("has the groups of that account, not others", async () => {
    const name = "system:serviceaccount:default:users";
    const plain = await whoAmI([[AS, name]], narrow);
    expect(plain.body.status.userInfo.groups).toEqual([
      "system:serviceaccounts",
      "system:serviceaccounts:default",
      "system:authenticated",
    ]);
    const more = await whoAmI(
      [
        [AS, name],
        [GROUP, "system:masters"],
      ],
      narrow,
    );
    expect(more.status).toBe(403);
  });
});

describe("nobody", () => {
  it.each<[string, string | null]>([
    ["without a token", null],
    ["with a token of nobody's", "nonsense"],
  ])("acts as anybody %s", async (_name, as) => {
    const answer = await api.call("/api/v1/namespaces", {
      token: as,
      headers: { [AS]: "admin", [GROUP]: "system:masters" },
    });
    expect(answer.status).toBe(as === null ? 403 : 401);
  });
});
