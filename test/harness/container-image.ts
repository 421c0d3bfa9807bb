/** Images made on the spot, without a registry: a docker-archive of one layer. */
import { createHash } from "node:crypto";

export interface ImageFile {
  /** Without a leading slash. */
  path: string;
  /** A file's content, or where a link points. Neither: a folder. */
  content?: Uint8Array | string;
  linkTo?: string;
  /** Default: 0755 for folders and files. */
  mode?: number;
}

export interface ImageSpec {
  /** With its tag, e.g. "gantry.test/busybox:1". */
  name: string;
  files: readonly ImageFile[];
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  env?: Readonly<Record<string, string>>;
  user?: string;
  workingDir?: string;
}

const BLOCK_BYTES = 512;

/** Reproducible: the same spec gives the same bytes. */
export function dockerArchive(image: ImageSpec): Uint8Array {
  const layer = tar(image.files);
  const digest = sha256(layer);
  const config = {
    architecture: { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Entrypoint: image.entrypoint ?? [],
      Cmd: image.cmd ?? [],
      Env: Object.entries({ PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...image.env }).map(([k, v]) => `${k}=${v}`),
      User: image.user ?? "",
      WorkingDir: image.workingDir ?? "/",
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    history: [],
  };
  const configText = JSON.stringify(config);
  const configName = `${sha256(configText)}.json`;
  const manifest = [{ Config: configName, RepoTags: [image.name], Layers: [`${digest}/layer.tar`] }];
  return tar([
    { path: "manifest.json", content: JSON.stringify(manifest), mode: 0o644 },
    { path: configName, content: configText, mode: 0o644 },
    { path: `${digest}/layer.tar`, content: layer, mode: 0o644 },
  ]);
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** ustar; folders come before what is in them when the caller lists them so. */
function tar(files: readonly ImageFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const file of files) {
    const content = typeof file.content === "string" ? Buffer.from(file.content) : file.content;
    parts.push(header(file, content?.length ?? 0));
    if (content === undefined || content.length === 0) continue;
    parts.push(content, Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES));
  }
  parts.push(Buffer.alloc(2 * BLOCK_BYTES));
  return Buffer.concat(parts);
}

function header(file: ImageFile, size: number): Uint8Array {
  const folder = file.content === undefined && file.linkTo === undefined;
  const path = folder ? `${file.path}/` : file.path;
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long for this archive`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "latin1");
  block.write(path, 0, "utf8");
  octal(file.mode ?? 0o755, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write("        ", 148, "latin1");
  block.write(folder ? "5" : file.linkTo === undefined ? "0" : "2", 156, "latin1");
  block.write(file.linkTo ?? "", 157, "utf8");
  block.write("ustar", 257, "latin1");
  block.write("00", 263, "latin1");
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
