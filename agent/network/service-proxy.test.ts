import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { requires } from "../../test/harness/requires.ts";
import { silentLog } from "../../test/harness/silent-log.ts";
import { createTestNode, type TestNode } from "./network-namespace.ts";
import { createRoutes } from "./routes.ts";
import type { ServicePlanInput } from "./service-plan.ts";
import { createServiceProxy, type ServiceProxy } from "./service-proxy.ts";

const SERVICE_CIDR = "10.96.0.0/12";

function service(name: string, clusterIP: string, spec: Record<string, unknown> = {}): KubeObject {
  return { metadata: { namespace: "default", name }, spec: { clusterIP, ports: [{ port: 80 }], ...spec } };
}

function slice(name: string, addresses: string[], ready = true): KubeObject {
  return {
    metadata: { namespace: "default", name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ port: 8080, protocol: "TCP" }],
    endpoints: addresses.map((address) => ({ addresses: [address], nodeName: "n1", conditions: { ready } })),
  };
}

/** In a network namespace the switch is there only when the module is loaded. */
const MODES = existsSync("/proc/sys/net/bridge/bridge-nf-call-iptables") ? [false, true] : [false];

for (const bridgeNetfilter of MODES) {
  requires(
    "nft",
    "ip",
    "root",
  )(`services in the kernel, bridged packets ${bridgeNetfilter ? "" : "not "}translated`, () => {
    let node: TestNode;
    let proxy: ServiceProxy;
    let input: ServicePlanInput;

    beforeAll(async () => {
      node = await createTestNode({ bridgeNetfilter });
      await node.addPod("a", "10.244.0.2", 8080);
      await node.addPod("b", "10.244.0.3", 8080);
      proxy = createServiceProxy({ run: node.run, log: silentLog, tableName: "gantry", serviceCidr: SERVICE_CIDR });
      const routes = createRoutes({ run: node.run, log: silentLog, nodeName: "n1", serviceCidr: SERVICE_CIDR });
      await routes.apply({
        peers: [{ name: "n2", address: "192.0.2.2", podCidr: "10.244.1.0/24" }],
        nodeAddress: "192.0.2.1",
      });
      input = {
        nodeName: "n1",
        services: [
          service("web", "10.96.0.10", { type: "NodePort", ports: [{ port: 80, nodePort: 30_080 }] }),
          service("none", "10.96.0.11"),
        ],
        endpointSlices: [slice("web", ["10.244.0.2", "10.244.0.3"]), slice("none", ["10.244.0.2"], false)],
        podCidr: "10.244.0.0/24",
        peerCidrs: ["10.244.1.0/24"],
        relay: { serviceIp: "10.96.0.1", address: "10.244.0.3", port: 8080 },
        bridgeNetfilter,
      };
      await proxy.apply(input);
    });
    afterAll(async () => node.remove());

    /** Names of the pods that answer within some connections. */
    async function answering(from: string | undefined, address: string, port: number): Promise<Set<string>> {
      const names = new Set<string>();
      for (let i = 0; i < 40 && names.size < 2; i++)
        names.add((await node.ask(from, address, port)).split(" ")[0] ?? "");
      return names;
    }

    test("a ClusterIP answers the node and pods, from every endpoint", async () => {
      expect(await answering(undefined, "10.96.0.10", 80)).toEqual(new Set(["a", "b"]));
      expect(await answering("a", "10.96.0.10", 80)).toEqual(new Set(["a", "b"]));
    });

    test("a pod keeps its address towards a neighbour only where bridged packets are translated", async () => {
      const answers = new Set<string>();
      for (let i = 0; i < 40 && answers.size < 2; i++) answers.add(await node.ask("a", "10.96.0.10", 80));
      expect(answers).toEqual(new Set(["a 10.244.0.1", `b ${bridgeNetfilter ? "10.244.0.2" : "10.244.0.1"}`]));
    });

    test("a node port answers on the node's address", async () => {
      expect(await answering(undefined, "192.0.2.1", 30_080)).toEqual(new Set(["a", "b"]));
    });

    test("a service without ready endpoints refuses at once", async () => {
      await expect(node.ask(undefined, "10.96.0.11", 80)).rejects.toThrow("ECONNREFUSED");
      await expect(node.ask("b", "10.96.0.11", 80)).rejects.toThrow("ECONNREFUSED");
    });

    test("the kubernetes service leads to the relay, from pods and from the node", async () => {
      expect(await node.ask("a", "10.96.0.1", 443)).toMatch(/^b /);
      expect(await node.ask(undefined, "10.96.0.1", 443)).toMatch(/^b /);
    });

    test("changes are taken over: endpoints, a new service, one that goes", async () => {
      input = { ...input, services: [...input.services, service("more", "10.96.0.12")] };
      input.endpointSlices = [
        slice("web", ["10.244.0.3"]),
        slice("none", ["10.244.0.2"]),
        slice("more", ["10.244.0.2"]),
      ];
      await proxy.apply(input);
      expect(await node.ask("a", "10.96.0.10", 80)).toMatch(/^b /);
      expect(await node.ask("b", "10.96.0.11", 80)).toMatch(/^a /);
      expect(await node.ask("b", "10.96.0.12", 80)).toMatch(/^a /);
      input = { ...input, services: input.services.filter((s) => s.metadata.name !== "more") };
      await proxy.apply(input);
      const listed = await node.run("nft", ["list", "table", "ip", "gantry"]);
      expect(listed).not.toContain("10.96.0.12");
      expect(listed).not.toContain("default-more");
    });

    test("a table somebody has spoilt is loaded anew", async () => {
      await node.run("nft", ["delete", "table", "ip", "gantry"]);
      await proxy.apply({ ...input, endpointSlices: [slice("web", ["10.244.0.2"])] });
      expect(await node.ask("b", "10.96.0.10", 80)).toMatch(/^a /);
    });

    test("routes lead to other nodes' pods, and go with the node", async () => {
      const routes = createRoutes({ run: node.run, log: silentLog, nodeName: "n1", serviceCidr: SERVICE_CIDR });
      expect(await node.run("ip", ["route", "get", "10.244.1.7"])).toContain("via 192.0.2.2");
      await routes.apply({ peers: [], nodeAddress: "192.0.2.1" });
      expect(await node.run("ip", ["route"])).not.toContain("10.244.1.0/24");
    });

    test("nothing is left when it stops", async () => {
      await proxy.stop();
      expect(await node.run("nft", ["list", "tables"])).not.toContain("gantry");
    });
  });
}
