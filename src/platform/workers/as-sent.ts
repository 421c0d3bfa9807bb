/** How an answer leaves the worker: the runtime has ideas of its own about compression. */

/**
 * The edge compresses JSON and text by itself, and what it compresses it holds back until a block is full: a watch would show nothing
 * for minutes. It leaves alone what has an encoding already; "no-transform" says which answers are streams. And a body that is compressed
 * already would be compressed again unless it is said to be so: Content-Encoding asks the runtime to do it.
 * https://developers.cloudflare.com/workers/runtime-apis/response/ (encodeBody)
 */
export function asSent(response: Response): Response {
  const { headers } = response;
  if (headers.has("content-encoding")) {
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers, encodeBody: "manual" });
  }
  if (!headers.get("cache-control")?.includes("no-transform")) return response;
  const stream = new Response(response.body, response);
  stream.headers.set("content-encoding", "identity");
  return stream;
}
