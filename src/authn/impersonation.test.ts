import { describe, expect, it } from "vitest";
import { impersonationOf } from "./impersonation.ts";

const of = (headers: Record<string, string>) => impersonationOf(new Headers(headers));

describe("impersonation", () => {
  it("is not asked for without its headers", () => {
    expect(of({ authorization: "Bearer x" })).toBeUndefined();
  });

  it.each([
    ["a person", { "Impersonate-User": "bob" }, ["system:authenticated"]],
    [
      "a person with groups",
      { "Impersonate-User": "bob", "Impersonate-Group": "a, b" },
      ["a", "b", "system:authenticated"],
    ],
    [
      "one who is said to be unauthenticated",
      { "Impersonate-User": "bob", "Impersonate-Group": "system:unauthenticated" },
      ["system:unauthenticated"],
    ],
    ["nobody", { "Impersonate-User": "system:anonymous" }, ["system:unauthenticated"]],
    [
      "a service account",
      { "Impersonate-User": "system:serviceaccount:shop:web" },
      ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
    ],
    [
      "a service account with other groups",
      { "Impersonate-User": "system:serviceaccount:shop:web", "Impersonate-Group": "a" },
      ["a", "system:authenticated"],
    ],
  ])("of %s has these groups", (_, headers, groups) => {
    expect(of(headers)?.user.groups).toEqual(groups);
  });

  it("asks for a right to each part of the identity", () => {
    const asked = of({
      "Impersonate-User": "bob",
      "Impersonate-Group": "developers",
      "Impersonate-Uid": "7",
      "Impersonate-Extra-acme.com%2fproject": "one",
    });
    expect(asked?.parts).toEqual([
      { group: "", resource: "users", subresource: "", namespace: "", name: "bob" },
      { group: "", resource: "groups", subresource: "", namespace: "", name: "developers" },
      { group: "authentication.k8s.io", resource: "uids", subresource: "", namespace: "", name: "7" },
      {
        group: "authentication.k8s.io",
        resource: "userextras",
        subresource: "acme.com/project",
        namespace: "",
        name: "one",
      },
    ]);
    expect(asked?.user).toMatchObject({ name: "bob", uid: "7", extra: { "acme.com/project": ["one"] } });
  });

  it("asks for the service account, not for a user of its name", () => {
    expect(of({ "Impersonate-User": "system:serviceaccount:shop:web" })?.parts).toEqual([
      { group: "", resource: "serviceaccounts", subresource: "", namespace: "shop", name: "web" },
    ]);
  });

  it.each([
    { "Impersonate-Group": "system:masters" },
    { "Impersonate-Uid": "1" },
    { "Impersonate-Extra-Scopes": "all" },
  ])("of nobody's parts is refused: %j", (headers) => {
    expect(() => of(headers)).toThrow("without impersonating a user");
  });
});
