/**
 * /logs/: files below the machine's folder of logs, as kubelets serve them (http.FileServer over /var/log), and the lists of its folders.
 * No link is followed, wherever it leads: containers that have a part of that folder could read the machine's files by one.
 */
import { constants } from "node:fs";
import { open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { NOT_FOUND, TEXT, type Page } from "./page.ts";

const ENTRIES_MAX = 10_000;
/** Linux: the handle names a file without opening it. Node has no constant for it. */
const O_PATH = 0o10000000;

/** `path`: below `folder`, still percent-encoded; "" or one that ends with a slash is a folder. */
export async function systemLog(folder: string, path: string): Promise<Page> {
  const parts = partsOf(path);
  if (parts === undefined) return NOT_FOUND;
  const handle = await walk(folder, parts);
  if (handle === undefined) return NOT_FOUND;
  try {
    const found = await handle.stat();
    if (found.isDirectory()) return await listed(handle);
    if (!found.isFile()) return NOT_FOUND;
    const file = await open(handlePath(handle), constants.O_RDONLY);
    // Of a file that grows what it has now: the length is said before.
    const bytes = file.createReadStream(found.size === 0 ? {} : { end: found.size - 1 });
    return { status: 200, type: TEXT, body: bytes };
  } finally {
    await handle.close();
  }
}

/** Undefined for a path that is none, or would leave the folder. */
function partsOf(path: string): string[] | undefined {
  try {
    const parts = path.split("/").map(decodeURIComponent);
    const wrong = parts.some((part) => part === "." || part === ".." || part.includes("/") || part.includes("\0"));
    return wrong ? undefined : parts.filter((part) => part !== "");
  } catch {
    return undefined;
  }
}

/** From handle to handle, so that a link that is put in the way meanwhile is not followed either. Undefined: there is nothing. */
async function walk(folder: string, parts: readonly string[]): Promise<FileHandle | undefined> {
  let at = await openAt(folder, constants.O_DIRECTORY);
  for (const part of parts) {
    const next: FileHandle | undefined = at && (await openAt(join(handlePath(at), part), 0));
    await at?.close();
    at = next;
  }
  return at;
}

async function openAt(path: string, flags: number): Promise<FileHandle | undefined> {
  return await open(path, O_PATH | constants.O_NOFOLLOW | flags).catch((error: NodeJS.ErrnoException) => {
    if (["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"].includes(error.code ?? "")) return undefined;
    throw error;
  });
}

function handlePath({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

/** As Go's file server lists a folder. */
async function listed(folder: FileHandle): Promise<Page> {
  const entries = await readdir(handlePath(folder), { withFileTypes: true });
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).toSorted();
  const links = names.slice(0, ENTRIES_MAX).map((name) => `<a href="${escaped(pathOf(name))}">${escaped(name)}</a>\n`);
  const head = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n';
  return { status: 200, type: "text/html; charset=utf-8", body: `${head}<pre>\n${links.join("")}</pre>\n` };
}

/** "./" before a name with a colon, which would be taken for a scheme. */
function pathOf(name: string): string {
  const encoded = name.split("/").map(encodeURIComponent).join("/").replaceAll("%3A", ":");
  return encoded.includes(":") ? `./${encoded}` : encoded;
}

function escaped(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
