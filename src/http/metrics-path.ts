/** `/metrics`: for whoever may get that path (group system:monitoring and administrators). */
import { EXPOSITION_TYPES, exposition, expositionFormat } from "../metrics/exposition.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { readOnly, type ServedPaths } from "./paths.ts";
import { acceptsGzip } from "./response.ts";

export function createMetricsPath(metrics: Metrics): ServedPaths {
  const handler = readOnly(async (request) => {
    const format = expositionFormat(request.headers.get("accept"));
    const text = exposition(await metrics.collect(), format);
    const headers = { "Content-Type": EXPOSITION_TYPES[format], "Cache-Control": "no-cache, private" };
    if (!acceptsGzip(request.headers.get("accept-encoding"))) return new Response(text, { headers });
    const compressed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Response(compressed, { headers: { ...headers, "Content-Encoding": "gzip", Vary: "Accept-Encoding" } });
  });
  return { find: (path) => (path === "/metrics" ? handler : undefined), listed: ["/metrics"] };
}
