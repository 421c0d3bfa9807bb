/** A control plane (Node process or workerd) and two agents, each in a network namespace with a containerd of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../harness/command.ts";
import { startContainerd, type TestContainerd } from "../harness/containerd.ts";
import { eventually } from "../harness/eventually.ts";
import { startGantry, untilUp, type GantryProcess } from "../harness/gantry-process.ts";
import { createKubectl, type Kubectl } from "../harness/kubectl.ts";
import { createNodeNetworks } from "../harness/node-networks.ts";
import { webImage } from "../harness/web-image.ts";

export interface TwoNodes {
  kubectl: Kubectl;
  nodes: { name: string; netns: string; address: string }[];
  /** Processes, for what a test measures. */
  controlPlane: GantryProcess;
  agent(name: string): GantryProcess;
  stopAgent(name: string): Promise<void>;
  startAgent(name: string): Promise<void>;
  killContainer(node: string, containerId: string): Promise<void>;
  /** Ids of the containers of both nodes, in whatever state. */
  containers(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Short, so that a lost node is seen within a test's patience. */
const GRACE_SECONDS = "12";
const TOLERATION_SECONDS = "3";

export async function startTwoNodes(runtime: "node" | "edge"): Promise<TwoNodes> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const step of undo.splice(0).toReversed()) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, "the cluster did not end cleanly");
  };
  try {
    return await build(runtime, undo, stop);
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

async function build(
  runtime: "node" | "edge",
  undo: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<TwoNodes> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-cluster-"));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const networks = await createNodeNetworks(2);
  undo.push(() => networks.stop());
  const engines = new Map<string, TestContainerd>();
  const nodes = networks.nodes.map((node, i) => ({ name: `node-${i + 1}`, ...node }));
  for (const { name, netns } of nodes) {
    const engine = await startContainerd({ netns });
    undo.push(() => engine.stop());
    engines.set(name, engine);
    await engine.buildImage(await webImage("gantry.test/web:1"));
    await engine.buildImage(await webImage("gantry.test/web:2"));
  }
  const data = join(folder, "control-plane");
  const controlPlane = startGantry([
    runtime === "node" ? "up" : "edge",
    "--host",
    networks.hostAddress,
    "--port",
    "0",
    "--data",
    data,
    "--no-agent",
    "--node-monitor-grace",
    GRACE_SECONDS,
    "--not-ready-toleration",
    TOLERATION_SECONDS,
  ]);
  undo.push(() => controlPlane.stop());
  const { kubeconfig, url, caFile, folder: home } = await untilUp(controlPlane, { data, runtime });
  const kubectl = await createKubectl(kubeconfig);
  undo.push(() => kubectl.close());

  const agents = new Map<string, GantryProcess>();
  const startAgent = async (name: string): Promise<void> => {
    const node = nodes.find((candidate) => candidate.name === name);
    const engine = engines.get(name);
    if (node === undefined || engine === undefined) throw new Error(`no node ${name}`);
    const joined = agents.has(name);
    const token = joined ? [] : ["--token", await createToken(home)];
    const agent = startGantry(
      [
        "agent",
        "--server",
        url,
        "--ca-file",
        caFile,
        "--node-name",
        name,
        "--data",
        join(folder, name),
        "--engine",
        "cri",
        "--cri-socket",
        engine.socketPath,
        "--cni-conf-dir",
        engine.cniConfDir,
        ...token,
      ],
      { netns: node.netns },
    );
    agents.set(name, agent);
  };
  undo.push(async () => {
    await Promise.all([...agents.values()].map((agent) => agent.stop()));
    if (process.env["GANTRY_TEST_OUTPUT"]) printOutputs({ controlPlane, ...Object.fromEntries(agents) });
  });
  for (const { name } of nodes) await startAgent(name);
  await eventually(async () => {
    const names = await kubectl.ok(["get", "nodes", "-o", "name"]);
    if (names.trim().split("\n").length !== 2)
      throw new Error(`nodes: ${names}${[...agents.values()].map((a) => a.output()).join("\n")}`);
  });
  return {
    kubectl,
    nodes,
    controlPlane,
    agent: (name) => agents.get(name) ?? never(name),
    stopAgent: async (name) => {
      await agents.get(name)?.stop();
    },
    startAgent,
    killContainer: async (name, id) => void (await ctr(engines.get(name), "tasks", "kill", "-s", "SIGKILL", id)),
    async containers() {
      const lists = await Promise.all([...engines.values()].map((engine) => ctr(engine, "containers", "ls", "-q")));
      return lists.flatMap((list) => list.split("\n")).filter((id) => id !== "");
    },
    stop,
  };
}

async function ctr(engine: TestContainerd | undefined, ...args: string[]): Promise<string> {
  const { stdout } = await command(["ctr", "--address", engine?.socketPath ?? "", "-n", "k8s.io", ...args]);
  return stdout;
}

async function createToken(data: string): Promise<string> {
  const token = startGantry(["token", "create", "--data", data]);
  const code = await token.ended;
  if (code !== 0) throw new Error(`no join token: ${token.output()}`);
  return token.output().trim();
}

function never(name: string): never {
  throw new Error(`no agent ${name}`);
}

function printOutputs(processes: Record<string, GantryProcess>): void {
  for (const [name, one] of Object.entries(processes)) console.log(`--- ${name}\n${one.output()}`);
}
