/** Which engine this machine has. */
import { access } from "node:fs/promises";
import { constants } from "node:fs";
import type { Clock, Log, Timers } from "../../src/platform/platform.ts";
import { createCriEngine } from "./cri/cri-engine.ts";
import { EngineError, type Engine } from "./engine.ts";
import { createProcessEngine } from "./process/process-engine.ts";

export interface DetectEngineOptions {
  /** "auto" takes the first CRI engine that answers, else plain processes. */
  preference: "auto" | "cri" | "process";
  /** Where CRI engines may listen, in order of preference. */
  socketPaths?: readonly string[];
  stateDirectory: string;
  /** See CriEngineOptions. */
  cniConfDir?: string;
  bridgeName?: string;
  clock: Clock;
  timers: Timers;
  log: Log;
}

export const CRI_SOCKETS: readonly string[] = ["/run/containerd/containerd.sock", "/run/crio/crio.sock"];

/** @throws EngineError "unavailable" when the preferred engine is not there, saying where it was looked for */
export async function detectEngine(options: DetectEngineOptions): Promise<Engine> {
  const { preference, socketPaths = CRI_SOCKETS, log } = options;
  if (preference === "process") return await createProcessEngine(options);
  const reasons: string[] = [];
  for (const socketPath of socketPaths) {
    try {
      return await openCri(options, socketPath);
    } catch (error) {
      reasons.push(`${socketPath}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (preference === "cri") {
    throw new EngineError("unavailable", `no container engine answers (${reasons.join("; ")})`);
  }
  log.warn("no container engine answers here", { tried: reasons });
  return await createProcessEngine(options);
}

async function openCri(options: DetectEngineOptions, socketPath: string): Promise<Engine> {
  // Sooner and clearer than the client's own time-out.
  await access(socketPath, constants.R_OK | constants.W_OK);
  const engine = await createCriEngine({ ...options, socketPath });
  const { name, version } = await engine.info();
  options.log.info("using a container engine", { name, version, socketPath });
  return engine;
}
