/** For tests: answers that are compressed already, in both ways in which the API makes them. */
import { asSent } from "../as-sent.ts";

const TEXT = "compressed once ".repeat(1_000);

export default {
  async fetch(request) {
    const compressed = new Blob([TEXT]).stream().pipeThrough(new CompressionStream("gzip"));
    const body =
      new URL(request.url).pathname === "/stream" ? compressed : await new Response(compressed).arrayBuffer();
    return asSent(new Response(body, { headers: { "content-encoding": "gzip", "content-type": "application/json" } }));
  },
} satisfies ExportedHandler;
