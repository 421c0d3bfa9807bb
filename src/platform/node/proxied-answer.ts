/** The answer of a pod to a request that is proxied, out of the body that the agent sends: see relay/proxy-answer.ts. */
import { answerOf, decodeHead, HEAD_LENGTH_BYTES, headLength, hungUp } from "../../relay/proxy-answer.ts";

/** Resolves once the head has come. A client that leaves before cancels the body. @throws StatusError as the agent refused */
export async function answered(body: ReadableStream<Uint8Array>, client: Request): Promise<Response> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => undefined);
  client.signal.addEventListener("abort", cancel);
  if (client.signal.aborted) cancel();
  let bytes = new Uint8Array();
  const atLeast = async (length: number) => {
    while (bytes.length < length) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw hungUp(cause);
      });
      if (done) throw hungUp();
      const joined = new Uint8Array(bytes.length + value.length);
      joined.set(bytes);
      joined.set(value, bytes.length);
      bytes = joined;
    }
  };
  try {
    await atLeast(HEAD_LENGTH_BYTES);
    const end = HEAD_LENGTH_BYTES + headLength(bytes);
    await atLeast(end);
    return answerOf(
      decodeHead(bytes.subarray(HEAD_LENGTH_BYTES, end)),
      rest(bytes.subarray(end), reader),
      client.method,
    );
  } catch (error) {
    cancel();
    throw error;
  } finally {
    client.signal.removeEventListener("abort", cancel);
  }
}

/** What has come already, then what comes. */
function rest(first: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  let begun = first.length === 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!begun) {
          begun = true;
          return controller.enqueue(first);
        }
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
