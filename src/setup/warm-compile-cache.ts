/**
 * Loads what the control plane and the agent consist of, once, so that Node keeps it compiled (NODE_COMPILE_CACHE): their processes then
 * start faster and need not hold the compiler that strips types, about 15 to 25 MB each. One source that is not kept is enough for that.
 */
import { spawnSync } from "node:child_process";
import { execPath, exit } from "node:process";
import { fileURLToPath } from "node:url";

// The command itself runs when it is loaded, so it gets a process of its own.
spawnSync(execPath, [fileURLToPath(new URL("../cli/main.ts", import.meta.url)), "--help"], { stdio: "ignore" });
await import("../platform/node/control-plane.ts");
await import("../../agent/run-agent.ts");
await import("../cli/up.ts");
await import("../cli/agent.ts");
exit(0);
