/** A node with pods, made of network namespaces, for the tests of this folder. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { runTool, type RunTool } from "./run-tool.ts";

export interface TestNode {
  /** Runs a program inside the node's namespace. */
  run: RunTool;
  /** A pod: a namespace on the node's bridge that answers TCP on `port` with its own name and the client's address. */
  addPod(name: string, address: string, port: number): Promise<void>;
  /** What a connection from the pod (or, without one, from the node) gets; rejects when it is refused. */
  ask(from: string | undefined, address: string, port: number): Promise<string>;
  remove(): Promise<void>;
}

const SERVER = `require("net").createServer({ allowHalfOpen: true }, (s) => { s.on("error", () => {}); s.end(process.argv[1] + " " + s.remoteAddress); })
  .listen(Number(process.argv[2]), "0.0.0.0", () => console.log("ready"))`;
const CLIENT = `const s = require("net").connect({ host: process.argv[1], port: Number(process.argv[2]) }); let t = "";
  s.setTimeout(3000, () => { console.error("timeout"); process.exit(1); });
  s.on("data", (d) => t += d).on("end", () => { console.log(t); process.exit(0); }).on("error", (e) => { console.error(e.code); process.exit(1); })`;

function ip(...args: string[]): Promise<string> {
  return runTool("ip", args);
}

function inside(namespace: string, program: string, args: readonly string[], input?: string): Promise<string> {
  return runTool("ip", ["netns", "exec", namespace, program, ...args], input);
}

/** `bridgeNetfilter`: bridged packets pass the kernel's NAT as well; ports of the bridge are then in hairpin mode, as CNI sets it. */
export async function createTestNode(options: { bridgeNetfilter: boolean }): Promise<TestNode> {
  const id = randomBytes(3).toString("hex");
  const node = `gantry-${id}`;
  const namespaces = [node];
  const servers: ChildProcess[] = [];
  await ip("netns", "add", node);
  const run: RunTool = (program, args, input) => inside(node, program, args, input);
  for (const args of [
    ["link", "set", "lo", "up"],
    ["link", "add", "br0", "type", "bridge"],
    ["addr", "add", "10.244.0.1/24", "dev", "br0"],
    ["link", "set", "br0", "up"],
    // The node's own address, on an interface (here: a bridge without ports) that leads nowhere.
    ["link", "add", "eth0", "type", "bridge"],
    ["addr", "add", "192.0.2.1/24", "dev", "eth0"],
    ["link", "set", "eth0", "up"],
  ]) {
    await run("ip", args);
  }
  const bridged = options.bridgeNetfilter ? "1" : "0";
  await run("sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  await run("sh", ["-c", `f=/proc/sys/net/bridge/bridge-nf-call-iptables; test ! -e $f || echo ${bridged} > $f`]);

  return {
    run,
    async addPod(name, address, port) {
      const namespace = `${node}-${name}`;
      namespaces.push(namespace);
      await ip("netns", "add", namespace);
      await run("ip", ["link", "add", `v${name}`, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
      await run("ip", ["link", "set", `v${name}`, "master", "br0", "up"]);
      const hairpin = options.bridgeNetfilter ? "on" : "off";
      await run("ip", ["link", "set", `v${name}`, "type", "bridge_slave", "hairpin", hairpin]);
      for (const args of [
        ["link", "set", "lo", "up"],
        ["addr", "add", `${address}/24`, "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        ["route", "add", "default", "via", "10.244.0.1"],
      ]) {
        await inside(namespace, "ip", args);
      }
      const args = ["netns", "exec", namespace, process.execPath, "-e", SERVER, name, String(port)];
      const server = spawn("ip", args, { stdio: ["ignore", "pipe", "inherit"] });
      servers.push(server);
      await once(server.stdout, "data");
    },
    async ask(from, address, port) {
      const namespace = from === undefined ? node : `${node}-${from}`;
      return (await inside(namespace, process.execPath, ["-e", CLIENT, address, String(port)])).trim();
    },
    async remove() {
      for (const server of servers) server.kill("SIGKILL");
      for (const namespace of namespaces) await ip("netns", "del", namespace);
    },
  };
}
