/** Calls of the Container Runtime Interface over a unix socket. */
import { Client, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { EngineError } from "../engine.ts";
import { decode, encode } from "./codec.ts";
import { CALLS, type CallName, type Message, type Outgoing } from "./messages.ts";

type Request<C extends CallName> = Outgoing<(typeof CALLS)[C][1]>;
type Response<C extends CallName> = Message<(typeof CALLS)[C][2]>;

export interface CriClient {
  /** @throws EngineError */
  call<C extends CallName>(name: C, request: Request<C>, options?: { timeoutMs?: number }): Promise<Response<C>>;
  close(): void;
}

/** What an engine may take for an ordinary call. Longer ones say so. */
const CALL_MS_MAX = 120_000;
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Connects with the first call and again after each loss; nothing here waits for the engine to be up. */
export function createCriClient({ socketPath }: { socketPath: string }): CriClient {
  const client = new Client(`unix://${socketPath}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    // A restarted engine is there again soon; the default back-off grows to two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
  });
  return {
    call: (name, request, options = {}) => {
      const [path, requestName, responseName] = CALLS[name];
      // gRPC reads deadlines off the system's clock.
      const deadline = Date.now() + (options.timeoutMs ?? CALL_MS_MAX);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          (value: typeof request) => Buffer.from(encode(requestName, value)),
          (bytes: Buffer) => decode(responseName, bytes),
          request,
          new Metadata(),
          { deadline },
          (error, response) => {
            if (error !== null) return reject(engineError(name, error));
            // The table pairs each call with its response; the union over all calls cannot show it.
            resolve(response as unknown as Response<typeof name>);
          },
        );
      });
    },
    close: () => client.close(),
  };
}

function engineError(name: CallName, cause: ServiceError): EngineError {
  return new EngineError(codeOf(name, cause), `${name}: ${cause.details || cause.message}`, { cause });
}

function codeOf(name: CallName, { code }: ServiceError): EngineError["code"] {
  switch (code) {
    case status.UNAVAILABLE:
    case status.CANCELLED:
    case status.UNIMPLEMENTED:
      return "unavailable";
    default:
      break;
  }
  if (name === "PullImage") return "pull";
  switch (code) {
    case status.NOT_FOUND:
      return "not-found";
    case status.DEADLINE_EXCEEDED:
      return "unavailable";
    case status.INVALID_ARGUMENT:
    case status.FAILED_PRECONDITION:
    case status.PERMISSION_DENIED:
      return "refused";
    default:
      return "internal";
  }
}
