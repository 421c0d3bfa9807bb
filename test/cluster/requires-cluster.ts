import { describe } from "vitest";
import { missing as missingForContainers } from "../harness/containerd.ts";
import { missing } from "../harness/requires.ts";

/** A suite that needs containers, network namespaces and kubectl; where one lacks, its name says which. */
export function requiresCluster(name: string, suite: () => void): void {
  const lacking = [...new Set([...missing(["kubectl", "ip", "nft", "curl", "conntrack"]), ...missingForContainers()])];
  if (lacking.length === 0) describe(name, suite);
  else describe.skip(`${name} (missing here: ${lacking.join(", ")})`, suite);
}
