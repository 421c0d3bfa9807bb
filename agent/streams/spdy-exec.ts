import { EngineError, type ExecSession } from "../engines/engine.ts";

/** Refuses until the SPDY client is there. */
export async function startSpdyExec(session: { url: string; stdin: boolean; tty: boolean }): Promise<ExecSession> {
  throw new EngineError("refused", `no streams yet (${session.url})`);
}
