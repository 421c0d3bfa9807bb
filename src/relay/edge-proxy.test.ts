import { describe } from "vitest";
import { createHttpsFetch } from "../../agent/https-fetch.ts";
import { proxySuite } from "../../agent/streams/proxy.suite.ts";
import { startRelayWorker } from "./testing/start-relay-worker.ts";

describe("proxied in workerd", () =>
  proxySuite(async () => {
    const worker = await startRelayWorker();
    const http = createHttpsFetch();
    return {
      url: worker.url,
      ca: undefined,
      nodeName: "n1",
      credential: "n1",
      fetch: http.fetch,
      // workerd's server takes 64 KiB (kj's canceledUploadGraceBytes) and closes. In front of Workers that are deployed stands another.
      unreadBytesMax: 48 * 1024,
      async stop() {
        http.close();
        await worker.stop();
      },
    };
  }));
