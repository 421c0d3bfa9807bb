/** For tests: the relay's edge half (platform/workers/testing/relay-worker.ts) in workerd, on a port of this machine. */
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

export interface RelayWorker {
  /** e.g. "http://127.0.0.1:12345" */
  url: string;
  stop(): Promise<void>;
}

export async function startRelayWorker(): Promise<RelayWorker> {
  const bundle = await build({
    entryPoints: [new URL("../../platform/workers/testing/relay-worker.ts", import.meta.url).pathname],
    bundle: true,
    format: "esm",
    write: false,
    external: ["cloudflare:workers"],
    target: "es2024",
  });
  const worker = {
    modules: true,
    script: bundle.outputFiles[0]?.text ?? "",
    compatibilityDate: "2026-10-01",
    compatibilityFlags: ["enable_request_signal"],
    durableObjects: {
      HUB: { className: "TestHub", useSQLite: true },
      BROKER: { className: "StreamBroker", useSQLite: true },
    },
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions(worker));
  return { url: (await miniflare.ready).origin, stop: () => miniflare.dispose() };
}
