#!/usr/bin/env node
/** The gantry command. Each subcommand is a file of its own, loaded when it is asked for. */
import { hostname } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { StartupError } from "../platform/node/server.ts";

const program = new Command("gantry").description("Kubernetes without a control plane to run").showHelpAfterError();

const engineOption = () =>
  new Option("--engine <name>", "container engine").choices(["auto", "cri", "process"]).default("auto");

const authenticationOption = () =>
  new Option(
    "--authentication-config <path>",
    "an apiserver.config.k8s.io/v1 AuthenticationConfiguration: OIDC issuers whose tokens are believed",
  );

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError("a port is 0 to 65535");
  return value;
}

program
  .command("up")
  .description("start the control plane in this process, and a local node")
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--port <number>", "port to listen on; 0 lets the system choose", port, 6443)
  .option("--data <folder>", "where everything is kept", ".gantry")
  .option("--no-agent", "run no node here")
  .addOption(engineOption())
  .option("--cri-socket <path>", "socket of containerd or CRI-O")
  .option("--node-name <name>", "name of the local node", hostname().toLowerCase())
  .option("--node-monitor-grace <seconds>", "silence after which a node is NotReady", seconds, 40)
  .option("--not-ready-toleration <seconds>", "how long pods stay on a node that is NotReady", seconds, 300)
  .addOption(authenticationOption())
  .option(
    "--audit-policy-file <path>",
    "an audit.k8s.io/v1 Policy; by default writes and reads of Secrets are recorded",
  )
  .option("--audit-retention <days>", "how long the audit log is kept", seconds, 30)
  .option("--enable-admission-plugins <names>", "admission plugins beside the default ones, separated by commas")
  .option("--disable-admission-plugins <names>", "default admission plugins to leave out, separated by commas")
  .action(async (options: UpOptions) => {
    const { up } = await import("./up.ts");
    await up(options);
  });

program
  .command("edge")
  .description("start the same product in workerd, over a libSQL server on this machine, and a local node")
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--port <number>", "port to listen on; 0 lets the system choose", port, 8787)
  .option("--data <folder>", "where everything is kept, in `edge/` and `edge.kubeconfig`", ".gantry")
  .option("--no-agent", "run no node here")
  .addOption(engineOption())
  .option("--cri-socket <path>", "socket of containerd or CRI-O")
  .option("--node-name <name>", "name of the local node", hostname().toLowerCase())
  .option("--node-monitor-grace <seconds>", "silence after which a node is NotReady", seconds, 40)
  .option("--not-ready-toleration <seconds>", "how long pods stay on a node that is NotReady", seconds, 300)
  .addOption(authenticationOption())
  .action(async (options: UpOptions) => {
    const { edge } = await import("./edge.ts");
    await edge(options);
  });

program
  .command("agent")
  .description("join this machine to a cluster as a node; it only ever dials out")
  .requiredOption("--server <url>", "address of the API")
  .option("--token <token>", "join token; needed once, the node then has a credential of its own")
  .option("--ca-file <path>", "PEM of the authority that signed the server's certificate")
  .option("--data <folder>", "where the node keeps its state", "/var/lib/gantry-agent")
  .option("--node-name <name>", "name of the node", hostname().toLowerCase())
  .addOption(engineOption())
  .option("--cri-socket <path>", "socket of containerd or CRI-O")
  .option("--cni-conf-dir <path>", "where the engine reads its network configuration", "/etc/cni/net.d")
  .option("--end-pods-on-stop", "end this node's pods when the agent is stopped", false)
  .action(async (options: AgentOptions) => {
    const { agent } = await import("./agent.ts");
    await agent(options);
  });

program
  .command("token")
  .description("join tokens for servers")
  .command("create")
  .description("print a join token")
  .option("--data <folder>", "data folder of the control plane", ".gantry")
  .option("--ttl <hours>", "life of the token", seconds, 24)
  .option("--single-use", "good for one node", false)
  .action(async (options: { data: string; ttl: number; singleUse: boolean }) => {
    const { createToken } = await import("./token.ts");
    await createToken(options);
  });

program
  .command("rotate-keys")
  .description("give the running cluster new keys for values at rest and for tokens, without a pause")
  .option("--master", "make another master key instead, which all keys are sealed under from the next start on", false)
  .option("--data <folder>", "data folder of the control plane", ".gantry")
  .action(async (options: { data: string; master: boolean }) => {
    const { rotateKeys, rotateMasterKey } = await import("./rotate-keys.ts");
    await (options.master ? rotateMasterKey(options) : rotateKeys(options));
  });

export interface UpOptions {
  host: string;
  port: number;
  data: string;
  agent: boolean;
  engine: "auto" | "cri" | "process";
  criSocket?: string;
  nodeName: string;
  nodeMonitorGrace: number;
  notReadyToleration: number;
  authenticationConfig?: string;
  /** Of `up` alone. */
  auditPolicyFile?: string;
  auditRetention?: number;
  enableAdmissionPlugins?: string;
  disableAdmissionPlugins?: string;
}

export interface AgentOptions {
  server: string;
  token?: string;
  caFile?: string;
  data: string;
  nodeName: string;
  engine: "auto" | "cri" | "process";
  criSocket?: string;
  cniConfDir: string;
  endPodsOnStop: boolean;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("a positive number is needed");
  return value;
}

try {
  await program.parseAsync();
} catch (error) {
  // What the operator can mend is one line; anything else is a bug and shows its stack.
  if (error instanceof StartupError) process.stderr.write(`gantry: ${error.message}\n`);
  else process.stderr.write(`gantry: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
