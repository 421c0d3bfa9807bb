/** What the API has compressed is compressed once when it leaves a worker. Over HTTP, where the runtime would do it again. */
import { get } from "node:http";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { afterAll, beforeAll, expect, it } from "vitest";

let miniflare: Miniflare;
let base: URL;
beforeAll(async () => {
  const bundle = await build({
    entryPoints: [new URL("../../src/platform/workers/testing/encoding-worker.ts", import.meta.url).pathname],
    bundle: true,
    format: "esm",
    write: false,
    target: "es2024",
  });
  const script = bundle.outputFiles[0]?.text ?? "";
  miniflare = new Miniflare(convertV4MiniflareOptions({ modules: true, script, compatibilityDate: "2026-10-01" }));
  base = await miniflare.ready;
}, 60_000);
afterAll(() => miniflare?.dispose());

function fetchRaw(path: string): Promise<{ encoding: string | undefined; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    get(new URL(path, base), { headers: { "accept-encoding": "gzip" } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ encoding: response.headers["content-encoding"], bytes: Buffer.concat(chunks) });
      });
    }).on("error", reject);
  });
}

it.each(["/buffer", "/stream"])("%s", async (path) => {
  const { encoding, bytes } = await fetchRaw(path);
  expect(encoding).toBe("gzip");
  expect(gunzipSync(bytes).toString()).toBe("compressed once ".repeat(1_000));
});
