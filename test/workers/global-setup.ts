/**
 * Runs on Node, before workerd starts: real libSQL servers, one for each test file that clears its database, and one with a
 * namespace for each cluster of the black-box tests.
 */
import type { TestProject } from "vitest/node";
import { hasSqld, startSqld } from "../harness/sqld.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!hasSqld()) {
    project.provide("libsqlUrls", undefined);
    project.provide("libsqlServer", undefined);
    return async () => {};
  }
  const servers = await Promise.all([startSqld(), startSqld(), startSqld({ namespaces: true })]);
  const [storage, watch, clusters] = servers;
  project.provide("libsqlUrls", { storage: storage.url, watch: watch.url });
  project.provide("libsqlServer", { url: clusters.url, adminUrl: clusters.adminUrl ?? "" });
  return async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
}
