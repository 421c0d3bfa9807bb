/** The folder of an embedded Gantry: database, master key, administrator's token, kubeconfig. */
import { constants } from "node:fs";
import { access, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { StartupError } from "./server.ts";

export interface DataFolder {
  path: string;
  database: string;
  /** Where those of the accounts and their clusters are. */
  databases: string;
  /** 32 bytes; seals the cluster's keys. */
  masterKey: Uint8Array;
  /** The one before, as long as something may be sealed under it. */
  otherMasterKey: Uint8Array | undefined;
  /** The administrator's bearer token. */
  adminToken: string;
}

/** Makes what is missing; what exists is kept. @throws StartupError when the folder cannot be written */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder);
  try {
    await makeFolder(path);
    await access(path, constants.W_OK | constants.X_OK);
    const masterKey = await readOrCreate(join(path, "master.key"), () => randomBytes(32).toString("base64"));
    const previous = await readIfThere(previousFileOf(path));
    const adminToken = await readOrCreate(
      join(path, "admin.token"),
      () => `gtry_${randomBytes(24).toString("base64url")}`,
    );
    const databases = join(path, "databases");
    return {
      path,
      database: join(path, "cluster.db"),
      databases,
      masterKey: Buffer.from(masterKey, "base64"),
      otherMasterKey: previous === undefined ? undefined : Buffer.from(previous, "base64"),
      adminToken,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`cannot use the data folder ${path}: ${reason}`, { cause: error });
  }
}

const previousFileOf = (path: string): string => join(path, "master.key.previous");

/**
 * Another master key, from the next start on; the one of now is kept beside it until everything is sealed anew. May be cut off anywhere and
 * called again. @throws StartupError while the last change is not through
 */
export async function renewMasterKey(folder: string): Promise<void> {
  const path = resolve(folder);
  const file = join(path, "master.key");
  const current = await readIfThere(file);
  if (current === undefined) throw new StartupError(`there is no master key in ${path}`);
  const previous = await readOrCreate(previousFileOf(path), () => current);
  if (previous !== current)
    throw new StartupError("the last change of the master key is not through: start Gantry first");
  const next = `${file}.next`;
  await rm(next, { force: true });
  await readOrCreate(next, () => randomBytes(32).toString("base64"));
  await rename(next, file);
}

/** Nothing is sealed under the master key of before any more. */
export async function forgetPreviousMasterKey(folder: Pick<DataFolder, "path">): Promise<void> {
  await rm(previousFileOf(folder.path), { force: true });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** Node's recursive mkdir never ends below a folder like /proc, which takes no new ones: so the last step is a plain one. */
async function makeFolder(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const isFolder = (error as NodeJS.ErrnoException).code === "EEXIST" && (await stat(path)).isDirectory();
    if (!isFolder) throw error;
  }
}

/** Created exclusively with mode 0600, so that two first starts agree on one secret. */
async function readOrCreate(file: string, make: () => string): Promise<string> {
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(make());
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return (await readFile(file, "utf8")).trim();
}
