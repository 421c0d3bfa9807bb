/** The gRPC health check (grpc.health.v1.Health/Check), its two small messages written by hand. */
import { Client, credentials, status } from "@grpc/grpc-js";
import type { ProbeOutcome } from "./probe-outcome.ts";

const METHOD = "/grpc.health.v1.Health/Check";
const SERVING = 1;

/** HealthCheckRequest { string service = 1 } */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length === 0) return Buffer.alloc(0);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), name]);
}

/** HealthCheckResponse { ServingStatus status = 1 }; an absent field is UNKNOWN (0). */
export function decodeStatus(bytes: Uint8Array): number {
  return bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0;
}

const STATUS_NAMES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

export function grpcHealth(
  action: { port: number; service?: string },
  at: { host: string; timeoutMs: number },
): Promise<ProbeOutcome> {
  const address = `${at.host.includes(":") ? `[${at.host}]` : at.host}:${action.port}`;
  const client = new Client(address, credentials.createInsecure());
  const service = action.service ?? "";
  return new Promise((resolve) => {
    const done = (success: boolean, message: string) => {
      client.close();
      resolve({ success, message });
    };
    client.makeUnaryRequest(
      METHOD,
      encodeRequest,
      decodeStatus,
      service,
      { deadline: Date.now() + at.timeoutMs },
      (error, answer) => {
        if (error === null) {
          const name = STATUS_NAMES[answer ?? 0] ?? String(answer);
          return answer === SERVING
            ? done(true, "service healthy")
            : done(false, `service unhealthy (responded with "${name}")`);
        }
        if (error.code === status.UNIMPLEMENTED) {
          return done(false, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
        }
        if (error.code === status.DEADLINE_EXCEEDED || error.code === status.UNAVAILABLE) {
          return done(
            false,
            `timeout: failed to connect service "${address}" within ${at.timeoutMs / 1000}s: ${error.details}`,
          );
        }
        done(false, `error: health rpc probe failed: ${error.details}`);
      },
    );
  });
}
