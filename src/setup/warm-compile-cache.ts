/**
 * Loads what the control plane and the agent consist of, once, so that Node keeps it compiled (NODE_COMPILE_CACHE): their processes then
 * start faster and need not hold the compiler that strips types, about 25 MB each.
 */
import { exit } from "node:process";

await import("../platform/node/control-plane.ts");
await import("../../agent/run-agent.ts");
await import("../cli/up.ts");
await import("../cli/agent.ts");
exit(0);
