/** What a running control plane leaves in its data folder for people and for the other subcommands. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createHttpsFetch } from "../../agent/https-fetch.ts";
import type { Client } from "../client/client.ts";
import { createClient } from "../client/fetch-client.ts";
import { StartupError } from "../platform/node/server.ts";
import { renderKubeconfig } from "./kubeconfig.ts";

export interface Access {
  url: string;
  /** PEM */
  clusterCa: string;
  adminToken: string;
}

/** Writes the kubeconfig (mode 0600), and `ca.crt` and `server.url` into `folder`; each appears whole or not at all. */
export async function writeAccess(
  access: Access,
  { folder, kubeconfig }: { folder: string; kubeconfig: string },
): Promise<void> {
  const { url, clusterCa, adminToken } = access;
  await put(join(folder, "ca.crt"), clusterCa, 0o644);
  await put(join(folder, "server.url"), url, 0o644);
  // Last: who waits for it finds the others too.
  await put(kubeconfig, renderKubeconfig({ server: url, clusterCa, token: adminToken, name: "gantry" }), 0o600);
}

async function put(path: string, text: string, mode: number): Promise<void> {
  await writeFile(`${path}.new`, text, { mode });
  await rename(`${path}.new`, path);
}

/** @throws StartupError when no control plane has run on this folder */
export async function readAccess(folder: string): Promise<Access> {
  try {
    const [url, clusterCa, adminToken] = await Promise.all(
      ["server.url", "ca.crt", "admin.token"].map(async (name) => (await readFile(join(folder, name), "utf8")).trim()),
    );
    return { url: url ?? "", clusterCa: clusterCa ?? "", adminToken: adminToken ?? "" };
  } catch (error) {
    throw new StartupError(`no control plane has run on ${folder}: start one, or name its folder with --data`, {
      cause: error,
    });
  }
}

export async function withAdminClient<T>(access: Access, use: (client: Client) => Promise<T>): Promise<T> {
  const https = createHttpsFetch({ ca: access.clusterCa });
  try {
    return await use(
      createClient({
        baseUrl: access.url,
        fetch: https.fetch,
        token: () => access.adminToken,
        userAgent: "gantry-cli",
      }),
    );
  } finally {
    https.close();
  }
}
