/** An answer that tells when it has ended, whoever ended it. */

/** The same answer; `ended` is called once: after its last byte, when the client goes, or when it breaks off. Nothing is read ahead. */
export function endReported(response: Response, ended: () => void): Response {
  const { body, status, headers } = response;
  if (body === null) return response;
  const reader = body.getReader();
  const source: UnderlyingSource<Uint8Array> = {
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        ended();
        controller.close();
      } catch (error) {
        ended();
        controller.error(error);
      }
    },
    async cancel(reason) {
      ended();
      await reader.cancel(reason);
    },
  };
  return new Response(new ReadableStream(source, { highWaterMark: 0 }) as BodyInit, { status, headers });
}
