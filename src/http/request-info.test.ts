import { describe, expect, it } from "vitest";
import { parseRequest, splitUrl, type ResourceInfo } from "./request-info.ts";

function info(method: string, target: string): string {
  const { path, query } = splitUrl(`https://host:6443${target}`);
  const parsed = parseRequest(method, path, query);
  if (!parsed.isResource) return `path ${parsed.verb} ${parsed.path}`;
  const { verb, group, version, resource, namespace, name, subresource }: ResourceInfo = parsed;
  return [verb, group || "core", version, resource, namespace || "-", name || "-", subresource || "-"].join(" ");
}

describe("request info", () => {
  it.each([
    ["GET", "/api/v1/pods", "list core v1 pods - - -"],
    ["GET", "/api/v1/namespaces/n/pods", "list core v1 pods n - -"],
    ["GET", "/api/v1/namespaces/n/pods/p", "get core v1 pods n p -"],
    ["HEAD", "/api/v1/namespaces/n/pods/p", "get core v1 pods n p -"],
    ["GET", "/api/v1/namespaces/n/pods/p/log?follow=true", "get core v1 pods n p log"],
    ["GET", "/api/v1/namespaces", "list core v1 namespaces - - -"],
    ["GET", "/api/v1/namespaces/n", "get core v1 namespaces n n -"],
    ["PUT", "/api/v1/namespaces/n/finalize", "update core v1 namespaces n n finalize"],
    ["PATCH", "/api/v1/namespaces/n/status", "patch core v1 namespaces n n status"],
    ["GET", "/api/v1/nodes/m/status", "get core v1 nodes - m status"],
    ["POST", "/apis/apps/v1/namespaces/n/deployments", "create apps v1 deployments n - -"],
    ["DELETE", "/apis/apps/v1/namespaces/n/deployments", "deletecollection apps v1 deployments n - -"],
    ["DELETE", "/apis/apps/v1/namespaces/n/deployments/d", "delete apps v1 deployments n d -"],
    ["GET", "/api/v1/pods?watch=true", "watch core v1 pods - - -"],
    ["GET", "/api/v1/pods?watch=1&resourceVersion=3", "watch core v1 pods - - -"],
    ["GET", "/api/v1/pods?watch=false", "list core v1 pods - - -"],
    ["GET", "/api/v1/pods?watch=False", "list core v1 pods - - -"],
    ["GET", "/api/v1/pods?watch", "watch core v1 pods - - -"],
    ["GET", "/api/v1/namespaces/n/pods/p?watch=true", "get core v1 pods n p -"],
    ["GET", "/api/v1/namespaces/n/pods/p/log?watch=true", "get core v1 pods n p log"],
    ["GET", "/api/v1/watch/pods", "watch core v1 pods - - -"],
    ["GET", "/api/v1/watch/namespaces/n/pods/p", "watch core v1 pods n p -"],
    ["GET", "/api/v1/watch/namespaces/n", "watch core v1 namespaces n n -"],
    ["GET", "/apis/apps/v1/watch/namespaces/n/deployments", "watch apps v1 deployments n - -"],
    ["POST", "/api/v1/watch/pods", "create core v1 watch - pods -"],
    ["GET", "/api/v1/namespaces/n/pods/a%2Fb", "get core v1 pods n a/b -"],
    ["GET", "/api/v1/namespaces/n/pods/a%ZZb", "get core v1 pods n a%ZZb -"],
    ["GET", "/api/v1/namespaces/n/pods/", "list core v1 pods n - -"],
    ["GET", "/api", "path get /api"],
    ["GET", "/api/v1", "path get /api/v1"],
    ["GET", "/apis/apps/v1", "path get /apis/apps/v1"],
    ["GET", "/", "path get /"],
    ["GET", "/api/v1/namespaces/n/pods/p/log/extra", "path get /api/v1/namespaces/n/pods/p/log/extra"],
    ["OPTIONS", "/api/v1/pods", "path options /api/v1/pods"],
    ["GET", "/api/v1/namespaces/n/pods/p/proxy", "get core v1 pods n p proxy"],
    ["HEAD", "/api/v1/namespaces/n/pods/p/proxy/a/b/", "get core v1 pods n p proxy"],
    ["POST", "/api/v1/namespaces/n/services/http:s:80/proxy/a", "create core v1 services n http:s:80 proxy"],
    ["PATCH", "/api/v1/nodes/m/proxy/a", "patch core v1 nodes - m proxy"],
    ["OPTIONS", "/api/v1/nodes/m/proxy/a", "options core v1 nodes - m proxy"],
    ["GET", "/api/v1/namespaces/n/pods/p/proxy/x?watch=true", "get core v1 pods n p proxy"],
  ])("%s %s", (method, target, expected) => {
    expect(info(method, target)).toBe(expected);
  });

  it("splits a URL without a path", () => {
    expect(splitUrl("http://host")).toEqual({ path: "/", query: "" });
    expect(splitUrl("http://host/a?b=/c#d")).toEqual({ path: "/a", query: "b=/c" });
  });
});
