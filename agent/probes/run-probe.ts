/** One probe or HTTP hook against a container, from the host, with kubelet's rules and texts. */
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { grpcHealth } from "./grpc-health.ts";
import type { Engine } from "../engines/engine.ts";
import type { ProbeOutcome } from "./probe-outcome.ts";
import type { Container, HttpGetAction, LifecycleHandler, Probe } from "../pods/pod.ts";

export interface ProbeTarget {
  container: Container;
  containerId: string;
  podIp: string;
}

/** Never rejects: what goes wrong is a failed probe. */
export type RunProbe = (probe: Probe, target: ProbeTarget) => Promise<ProbeOutcome>;

const BODY_BYTES_MAX = 10 * 1024;

/** A port by number or by the name it has in the container. */
export function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find((p) => p.name === port)?.containerPort;
  return named ?? Number(port);
}

/** GET as kubelet does it: no check of certificates, redirects to other hosts count as success. */
export function httpGet(
  action: HttpGetAction,
  at: { host: string; port: number; timeoutMs: number; userAgent: string },
): Promise<ProbeOutcome> {
  const secure = action.scheme?.toUpperCase() === "HTTPS";
  const path = action.path?.startsWith("/") ? action.path : `/${action.path ?? ""}`;
  const host = at.host.includes(":") ? `[${at.host}]` : at.host;
  const url = `${secure ? "https" : "http"}://${host}:${at.port}${path}`;
  const headers: Record<string, string[]> = { "User-Agent": [at.userAgent], Accept: ["*/*"], Connection: ["close"] };
  for (const { name, value = "" } of action.httpHeaders ?? []) {
    const key = Object.keys(headers).find((known) => known.toLowerCase() === name.toLowerCase());
    if (key !== undefined && ["User-Agent", "Accept"].includes(key)) headers[key] = [value];
    else (headers[name] ??= []).push(value);
  }
  return new Promise((resolve) => {
    const done = (success: boolean, message: string) => {
      clearTimeout(timer);
      request.destroy();
      resolve({ success, message });
    };
    const request = (secure ? https : http).request(
      url,
      { headers, agent: false, rejectUnauthorized: false },
      (reply) => {
        const { statusCode = 0 } = reply;
        let body = "";
        reply.setEncoding("utf8");
        reply.on("data", (text: string) => {
          if (body.length < BODY_BYTES_MAX) body += text;
        });
        reply.on("error", () => undefined);
        reply.on("end", () => {
          if (statusCode >= 200 && statusCode < 400) done(true, body);
          else done(false, `HTTP probe failed with statuscode: ${statusCode}`);
        });
      },
    );
    // A socket's own limit, not the agent's time: this is I/O.
    const timer = setTimeout(
      () => done(false, `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`),
      at.timeoutMs,
    );
    request.on("error", (error: NodeJS.ErrnoException) => done(false, `Get "${url}": ${dialError(error, at)}`));
    request.end();
  });
}

/** Go's words for what the system said. */
function dialError(error: NodeJS.ErrnoException, at: { host: string; port: number }): string {
  const dial = `dial tcp ${at.host}:${at.port}: connect:`;
  if (error.code === "ECONNREFUSED") return `${dial} connection refused`;
  if (error.code === "EHOSTUNREACH") return `${dial} no route to host`;
  if (error.code === "ENETUNREACH") return `${dial} network is unreachable`;
  if (error.code === "ECONNRESET") return "EOF";
  return error.message;
}

export function tcpConnect(at: { host: string; port: number; timeoutMs: number }): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: at.host, port: at.port });
    const done = (success: boolean, message: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ success, message });
    };
    const timer = setTimeout(() => done(false, `dial tcp ${at.host}:${at.port}: i/o timeout`), at.timeoutMs);
    socket.once("connect", () => done(true, ""));
    socket.once("error", (error: NodeJS.ErrnoException) => done(false, dialError(error, at)));
  });
}

export function createRunProbe(deps: { engine: Engine; userAgent?: string }): RunProbe {
  const { engine, userAgent = "kube-probe/1.36" } = deps;
  return async (probe, { container, containerId, podIp }) => {
    const timeoutSeconds = probe.timeoutSeconds ?? 1;
    const timeoutMs = timeoutSeconds * 1000;
    try {
      if (probe.exec) {
        const command = probe.exec.command ?? [];
        const { exitCode, output } = await engine.execSync({ containerId, command, timeoutSeconds });
        if (exitCode === -1)
          return {
            success: false,
            message: `command timed out: "${command.join(" ")}" timed out after ${timeoutSeconds}s`,
          };
        return { success: exitCode === 0, message: output };
      }
      if (probe.httpGet) {
        const host = probe.httpGet.host || podIp;
        const port = portNumber(probe.httpGet.port, container);
        return await httpGet(probe.httpGet, { host, port, timeoutMs, userAgent });
      }
      if (probe.tcpSocket) {
        const host = probe.tcpSocket.host || podIp;
        return await tcpConnect({ host, port: portNumber(probe.tcpSocket.port, container), timeoutMs });
      }
      if (probe.grpc) return await grpcHealth(probe.grpc, { host: podIp, timeoutMs });
      return { success: false, message: `missing probe handler for ${container.name}` };
    } catch (error) {
      return { success: false, message: error instanceof Error ? error.message : String(error) };
    }
  };
}

export type RunHook = (
  hook: LifecycleHandler,
  target: ProbeTarget & { timeoutMs: number; sleep: (ms: number) => Promise<void> },
) => Promise<ProbeOutcome>;

/** postStart and preStop. Never rejects. */
export function createRunHook(deps: { engine: Engine }): RunHook {
  return async (hook, { container, containerId, podIp, timeoutMs, sleep }) => {
    try {
      if (hook.exec) {
        const command = hook.exec.command ?? [];
        const timeoutSeconds = Math.ceil(timeoutMs / 1000);
        const { exitCode, output } = await deps.engine.execSync({ containerId, command, timeoutSeconds });
        return {
          success: exitCode === 0,
          message: exitCode === 0 ? output : `command '${command.join(" ")}' exited with ${exitCode}: ${output}`,
        };
      }
      if (hook.httpGet) {
        const host = hook.httpGet.host || podIp;
        const port = portNumber(hook.httpGet.port, container);
        return await httpGet(hook.httpGet, { host, port, timeoutMs, userAgent: "kube-lifecycle/1.36" });
      }
      if (hook.sleep) await sleep(Math.min(hook.sleep.seconds * 1000, timeoutMs));
      return { success: true, message: "" };
    } catch (error) {
      return { success: false, message: error instanceof Error ? error.message : String(error) };
    }
  };
}
