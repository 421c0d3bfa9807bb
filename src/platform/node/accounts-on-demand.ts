/**
 * The accounts of an embedded Gantry, opened when somebody first asks for them: most have one cluster and one administrator, and pay neither
 * memory nor time for what they do not use.
 */
import { access } from "node:fs/promises";
import { isOfAccounts } from "../../accounts/front-door.ts";
import type { Fetch } from "../../client/client.ts";
import type { NodeAccounts, NodeAccountsDeps } from "./accounts.ts";

export interface AccountsOnDemand extends NodeAccounts {
  /** Opens them where there are some: what an earlier process left half-way is taken up. */
  resume(): Promise<void>;
}

export function createAccountsOnDemand(deps: NodeAccountsDeps): AccountsOnDemand {
  let opening: Promise<NodeAccounts> | undefined;
  let stopped = false;
  const open = async (): Promise<NodeAccounts> => {
    if (stopped) throw new Error("the accounts are being closed");
    opening ??= import("./accounts.ts").then(({ openAccounts }) => openAccounts(deps));
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  const exist = async (): Promise<boolean> =>
    await access(deps.folder.databases).then(
      () => true,
      () => false,
    );
  const ifOpened = async (use: (accounts: NodeAccounts) => Promise<void>): Promise<void> => {
    stopped = true;
    const accounts = await opening?.catch(() => undefined);
    if (accounts) await use(accounts);
  };
  return {
    inFrontOf(root) {
      let door: Fetch | undefined;
      return async (request) => {
        if (!isOfAccounts(request)) return await root(request);
        door ??= (await open()).inFrontOf(root);
        return await door(request);
      };
    },
    async resume() {
      if (await exist()) await open();
    },
    async openAll() {
      if (await exist()) await (await open()).openAll();
    },
    quiet: () => ifOpened((accounts) => accounts.quiet()),
    stop: () => ifOpened((accounts) => accounts.stop()),
  };
}
