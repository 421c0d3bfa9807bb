/** Keeps the kernel's table in step with the services: a whole load first, then only differences. */
import type { Log } from "../../src/platform/platform.ts";
import { tableDifference, wholeTable } from "./ruleset.ts";
import type { RunTool } from "./run-tool.ts";
import { planTable, type NetworkTable, type ServicePlanInput } from "./service-plan.ts";

export interface ServiceProxy {
  /** @throws Error when nft refuses or is missing; the next call then loads everything anew */
  apply(input: ServicePlanInput): Promise<void>;
  /** Removes the table. */
  stop(): Promise<void>;
}

export function createServiceProxy(deps: {
  run: RunTool;
  log: Log;
  /** Agents that share a network namespace need a name each. */
  tableName: string;
  serviceCidr: string;
}): ServiceProxy {
  const { run, log, tableName, serviceCidr } = deps;
  let loaded: NetworkTable | undefined;

  async function loadWhole(table: NetworkTable): Promise<void> {
    await run("nft", ["-f", "-"], wholeTable(table, { name: tableName, serviceCidr }));
  }

  return {
    async apply(input) {
      const table = planTable(input);
      const before = loaded;
      // Unknown until the kernel has answered.
      loaded = undefined;
      if (before === undefined) await loadWhole(table);
      else {
        const difference = tableDifference(before, table, tableName);
        try {
          if (difference !== "") await run("nft", ["-f", "-"], difference);
        } catch (error) {
          // Somebody else has changed our table.
          log.warn("the services are loaded anew", { error });
          await loadWhole(table);
        }
      }
      loaded = table;
    },
    async stop() {
      loaded = undefined;
      await run("nft", ["-f", "-"], `table ip ${tableName}\ndelete table ip ${tableName}\n`);
    },
  };
}
