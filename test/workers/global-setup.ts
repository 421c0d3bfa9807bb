/** Runs on Node, before workerd starts: real libSQL servers, one for each test file that clears its database. */
import type { TestProject } from "vitest/node";
import { hasSqld, startSqld } from "../harness/sqld.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Addresses of libSQL servers by user; undefined where the server is not installed. */
    libsqlUrls: { storage: string; watch: string } | undefined;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!hasSqld()) {
    project.provide("libsqlUrls", undefined);
    return async () => {};
  }
  const [storage, watch] = await Promise.all([startSqld(), startSqld()]);
  project.provide("libsqlUrls", { storage: storage.url, watch: watch.url });
  return async () => {
    await Promise.all([storage.stop(), watch.stop()]);
  };
}
