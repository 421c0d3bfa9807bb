/**
 * From Services and EndpointSlices to what the kernel has to know. Pure. A service port is a chain with one rule that picks an
 * endpoint; maps lead from address, protocol and port to the chain. IPv4 only.
 */
import { createHash } from "node:crypto";
import type { KubeObject } from "../../src/machinery/meta.ts";

export interface ServicePort {
  name?: string;
  port: number;
  protocol?: string;
  nodePort?: number;
}

export interface ServiceSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ports?: ServicePort[];
  externalIPs?: string[];
  sessionAffinity?: string;
  internalTrafficPolicy?: string;
  externalTrafficPolicy?: string;
  publishNotReadyAddresses?: boolean;
}

export interface Endpoint {
  addresses?: string[];
  nodeName?: string;
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
}

export interface ServicePlanInput {
  nodeName: string;
  services: readonly KubeObject[];
  endpointSlices: readonly KubeObject[];
  podCidr: string | undefined;
  peerCidrs: readonly string[];
  /** `kubernetes` of "default" leads here. "0.0.0.0" is this machine's own address on whichever interface a packet came in. */
  relay: { serviceIp: string; address: string; port: number };
  /** Replies between two pods on one bridge pass the kernel's NAT. Otherwise such traffic has to be masqueraded. */
  bridgeNetfilter: boolean;
}

/** Everything in the table but its base chains. */
export interface NetworkTable {
  /** Rules by chain. */
  chains: Map<string, string[]>;
  /** Verdicts by element. */
  maps: { service_ports: Map<string, string>; node_ports: Map<string, string> };
  /** Elements by set. */
  sets: Record<SetName, Set<string>>;
}

export const SET_NAMES = [
  "masked_ports",
  "masked_node_ports",
  "no_endpoints",
  "no_endpoint_ports",
  "hairpins",
  "pods",
  "own_pods",
] as const;
export type SetName = (typeof SET_NAMES)[number];

interface Backend {
  address: string;
  port: number;
  local: boolean;
}

function isIpv4(address: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(address);
}

/** Chain names are short and stable: they appear in `nft list ruleset`, where people look. */
function chainName(kind: string, parts: readonly string[]): string {
  const hash = createHash("sha256").update(parts.join("/")).digest("hex").slice(0, 10);
  const readable = parts
    .join("-")
    .replaceAll(/[^A-Za-z0-9-]/g, "")
    .slice(0, 60);
  return `${kind}-${hash}-${readable}`;
}

/** Ready endpoints; without any, those that end but still serve (KEP-1669). */
function usable(endpoints: readonly Endpoint[], anyway: boolean): Endpoint[] {
  const ready = endpoints.filter(
    (e) => anyway || (e.conditions?.ready !== false && e.conditions?.terminating !== true),
  );
  if (ready.length > 0) return ready;
  return endpoints.filter((e) => e.conditions?.terminating === true && e.conditions.serving === true);
}

function backendsOf(port: ServicePort, slices: readonly KubeObject[], nodeName: string, anyway: boolean): Backend[] {
  const found: { endpoint: Endpoint; port: number }[] = [];
  for (const slice of slices) {
    const ports = (slice["ports"] ?? []) as { name?: string; port?: number; protocol?: string }[];
    const match = ports.find(
      (p) => (p.name ?? "") === (port.name ?? "") && (p.protocol ?? "TCP") === (port.protocol ?? "TCP"),
    );
    if (match?.port === undefined) continue;
    for (const endpoint of (slice["endpoints"] ?? []) as Endpoint[]) found.push({ endpoint, port: match.port });
  }
  const chosen = new Set(
    usable(
      found.map((f) => f.endpoint),
      anyway,
    ),
  );
  const backends = new Map<string, Backend>();
  for (const { endpoint, port: target } of found) {
    const address = endpoint.addresses?.[0];
    if (!chosen.has(endpoint) || address === undefined || !isIpv4(address)) continue;
    backends.set(`${address}:${target}`, { address, port: target, local: endpoint.nodeName === nodeName });
  }
  return [...backends.values()].toSorted((a, b) =>
    a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1,
  );
}

/** One rule that sends a connection to one of the backends. Affinity goes by the client's address, as long as the backends stay. */
export function balanceRule(protocol: string, backends: readonly Backend[], affinity: boolean): string {
  const only = backends[0];
  const proto = `meta l4proto ${protocol}`;
  if (backends.length === 1 && only) return `${proto} dnat to ${only.address}:${only.port}`;
  const elements = backends.map((b, index) => `${index} : ${b.address} . ${b.port}`).join(", ");
  const pick = affinity ? "jhash ip saddr" : "numgen random";
  return `${proto} dnat ip to ${pick} mod ${backends.length} map { ${elements} }`;
}

class TableBuilder {
  readonly table: NetworkTable = {
    chains: new Map(),
    maps: { service_ports: new Map(), node_ports: new Map() },
    sets: {
      masked_ports: new Set(),
      masked_node_ports: new Set(),
      no_endpoints: new Set(),
      no_endpoint_ports: new Set(),
      hairpins: new Set(),
      pods: new Set(),
      own_pods: new Set(),
    },
  };
  private readonly input: ServicePlanInput;

  constructor(input: ServicePlanInput) {
    this.input = input;
  }

  private balance(parts: string[], protocol: string, backends: Backend[], affinity: boolean): string | undefined {
    if (backends.length === 0) return undefined;
    const name = chainName("svc", parts);
    this.table.chains.set(name, [balanceRule(protocol, backends, affinity)]);
    for (const { address, local } of backends) if (local) this.table.sets.hairpins.add(`${address} . ${address}`);
    return name;
  }

  private lead(address: string, protocol: string, port: number, chain: string | undefined): void {
    const key = `${address} . ${protocol} . ${port}`;
    if (chain === undefined) this.table.sets.no_endpoints.add(key);
    else this.table.maps.service_ports.set(key, `goto ${chain}`);
  }

  servicePort(service: KubeObject, spec: ServiceSpec, port: ServicePort, slices: readonly KubeObject[]): void {
    const { nodeName, relay } = this.input;
    const protocol = (port.protocol ?? "TCP").toLowerCase();
    const { namespace = "", name = "" } = service.metadata;
    const backends = backendsOf(port, slices, nodeName, spec.publishNotReadyAddresses === true);
    const local = backends.filter((b) => b.local);
    const affinity = spec.sessionAffinity === "ClientIP";
    const parts = [namespace, name, port.name ?? String(port.port), protocol];
    const inside = this.balance(parts, protocol, spec.internalTrafficPolicy === "Local" ? local : backends, affinity);
    const ips = [spec.clusterIP ?? "", ...(spec.clusterIPs ?? [])].filter(isIpv4);
    for (const ip of new Set(ips)) {
      if (ip !== relay.serviceIp) this.lead(ip, protocol, port.port, inside);
    }
    this.fromOutside(service, spec, { port, protocol, backends, local, affinity, parts });
  }

  private fromOutside(
    service: KubeObject,
    spec: ServiceSpec,
    at: {
      port: ServicePort;
      protocol: string;
      backends: Backend[];
      local: Backend[];
      affinity: boolean;
      parts: string[];
    },
  ): void {
    const { port, protocol } = at;
    const status = service["status"] as { loadBalancer?: { ingress?: { ip?: string }[] } } | undefined;
    const balancers = status?.loadBalancer?.ingress?.flatMap(({ ip }) => (ip === undefined ? [] : [ip])) ?? [];
    const addresses = [...(spec.externalIPs ?? []), ...balancers].filter(isIpv4);
    const nodePort = port.nodePort ?? 0;
    if (addresses.length === 0 && nodePort === 0) return;
    const onlyLocal = spec.externalTrafficPolicy === "Local";
    const chain = this.balance([...at.parts, "external"], protocol, onlyLocal ? at.local : at.backends, at.affinity);
    const { sets, maps } = this.table;
    for (const address of addresses) {
      this.lead(address, protocol, port.port, chain);
      if (!onlyLocal) sets.masked_ports.add(`${address} . ${protocol} . ${port.port}`);
    }
    if (nodePort === 0) return;
    const key = `${protocol} . ${nodePort}`;
    if (chain === undefined) sets.no_endpoint_ports.add(key);
    else maps.node_ports.set(key, `goto ${chain}`);
    if (!onlyLocal) sets.masked_node_ports.add(key);
  }

  relay(): void {
    const { serviceIp, address, port } = this.input.relay;
    const target = address === "0.0.0.0" ? `redirect to :${port}` : `dnat to ${address}:${port}`;
    this.table.chains.set("relay", [`meta l4proto tcp ${target}`]);
    this.table.maps.service_ports.set(`${serviceIp} . tcp . 443`, "goto relay");
  }

  podRanges(): void {
    const { podCidr, peerCidrs, bridgeNetfilter } = this.input;
    const { sets, chains } = this.table;
    for (const cidr of [podCidr, ...peerCidrs]) if (cidr !== undefined && cidr.includes(".")) sets.pods.add(cidr);
    if (podCidr !== undefined) sets.own_pods.add(podCidr);
    chains.set(
      "neighbours",
      bridgeNetfilter ? [] : ["ip saddr @own_pods ip daddr @own_pods ct status dnat masquerade"],
    );
  }
}

export function planTable(input: ServicePlanInput): NetworkTable {
  const builder = new TableBuilder(input);
  builder.podRanges();
  builder.relay();
  const slices = new Map<string, KubeObject[]>();
  for (const slice of input.endpointSlices) {
    const service = slice.metadata.labels?.["kubernetes.io/service-name"];
    if (service === undefined || slice["addressType"] !== "IPv4") continue;
    const key = `${slice.metadata.namespace ?? ""}/${service}`;
    slices.set(key, [...(slices.get(key) ?? []), slice]);
  }
  for (const service of input.services) {
    const spec = (service["spec"] ?? {}) as ServiceSpec;
    if (spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") continue;
    const own = slices.get(`${service.metadata.namespace ?? ""}/${service.metadata.name ?? ""}`) ?? [];
    for (const port of spec.ports ?? []) builder.servicePort(service, spec, port, own);
  }
  return builder.table;
}
