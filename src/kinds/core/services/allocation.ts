/**
 * Cluster-wide unique numbers of Services: ClusterIPs and node ports (pkg/registry/core/service of Kubernetes). What is picked here
 * is guarded by conditions of the write, so two Workers that pick the same at once don't both win.
 */
import { ipv4Number, ipv4Text, isHostInRange, parseIpv4Range } from "../../../machinery/cidr.ts";
import { invalid, fieldError, StatusError, type FieldError } from "../../../machinery/status-error.ts";
import { isIpv4 } from "../../../machinery/validation.ts";
import type { AllocationContext, Strategy } from "../../../registry/strategy.ts";
import { claimConditions, IP_ADDRESSES } from "./addresses.ts";
import type { Service, ServicePort, ServiceSpec } from "./types.ts";

/** What a strategy returns; the union itself is storage's. */
type Conditions = Awaited<ReturnType<NonNullable<Strategy["allocate"]>>>;

export const NODE_PORT_MIN = 30_000;
export const NODE_PORT_MAX = 32_767;
const NODE_PORTS = NODE_PORT_MAX - NODE_PORT_MIN + 1;
const IP_FIELD = "spec.clusterIP";
/** Holds the ports of one Service, joined by commas. */
export const NODE_PORTS_FIELD = "spec.nodePorts";
/** Random picks before all addresses are tried in order. */
const RANDOM_TRIES = 32;
/**
 * Picks that know nothing of what is taken: the condition of the write refuses what is, and that is cheaper than to read all Services
 * for each. Only a range that is nearly full makes so many in a row fail.
 */
const BLIND_ATTEMPTS = 3;

export function needsClusterIp(spec: ServiceSpec): boolean {
  return spec.type !== "ExternalName";
}

export function needsNodePorts(spec: ServiceSpec): boolean {
  return spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}

/** The stored field that makes a node port unique. As in Kubernetes a number belongs to one Service, whatever the protocol. */
export function nodePortField({ nodePort = 0 }: ServicePort): string {
  return `spec.nodePort.${nodePort}`;
}

/** Keeps what an update left out: pkg/registry/core/service patchAllocatedValues. Changes `service`. */
export function keepAllocated({ spec }: Service, { spec: old }: Service): void {
  if (needsClusterIp(spec) && needsClusterIp(old)) {
    const kept = !spec.clusterIP || spec.clusterIP === old.clusterIP;
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (kept && !spec.clusterIPs?.length && old.clusterIPs) spec.clusterIPs = [...old.clusterIPs];
    if (!spec.ipFamilies && old.ipFamilies) spec.ipFamilies = [...old.ipFamilies];
    if (!spec.ipFamilyPolicy && old.ipFamilyPolicy) spec.ipFamilyPolicy = old.ipFamilyPolicy;
  }
  if (needsNodePorts(spec) && hasNodePorts(old)) keepNodePorts(spec, old);
  releaseWhatTypeForbids(spec, old);
}

function hasNodePorts(spec: ServiceSpec): boolean {
  return (spec.ports ?? []).some(({ nodePort }) => nodePort);
}

function portKey({ port, protocol = "TCP" }: ServicePort): string {
  return `${protocol}/${port}`;
}

function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const before = new Map((old.ports ?? []).map((port) => [portKey(port), port.nodePort]));
  const used = new Set((spec.ports ?? []).map((port) => `${port.protocol}/${port.nodePort}`));
  for (const port of spec.ports ?? []) {
    const nodePort = before.get(portKey(port));
    if (port.nodePort || !nodePort || used.has(`${port.protocol}/${nodePort}`)) continue;
    port.nodePort = nodePort;
  }
}

/**
 * A type gives back what only the type before had, unless the client changed it in the same write: dropTypeDependentFields. Then it is
 * his to hear that the two do not go together.
 */
function releaseWhatTypeForbids(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === old.type) return;
  if (!needsClusterIp(spec) && spec.clusterIP === old.clusterIP) {
    for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const) delete spec[field];
  }
  if (spec.type === "ClusterIP" || spec.type === "ExternalName") {
    const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort));
    for (const port of spec.ports ?? []) if (before.has(port.nodePort)) delete port.nodePort;
    release(spec, old, "externalTrafficPolicy");
  }
  if (spec.type === "ExternalName") release(spec, old, "internalTrafficPolicy");
  if (spec.type === "LoadBalancer") return;
  for (const field of ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"] as const) {
    release(spec, old, field);
  }
}

function release(spec: ServiceSpec, old: ServiceSpec, field: keyof ServiceSpec): void {
  if (spec[field] === old[field]) delete spec[field];
}

export async function allocateService(
  service: Service,
  old: Service | undefined,
  context: AllocationContext,
): Promise<Conditions> {
  const ip = await allocateClusterIp(service, old, context);
  return [...ip, ...(await allocateNodePorts(service, old, context))];
}

async function allocateClusterIp(
  service: Service,
  old: Service | undefined,
  context: AllocationContext,
): Promise<Conditions> {
  const { spec } = service;
  if (!needsClusterIp(spec)) return [];
  spec.clusterIP ||= spec.clusterIPs?.[0] ?? "";
  if (spec.clusterIP === "") {
    spec.clusterIP = await pickAddress(context);
  } else if (spec.clusterIP !== "None" && spec.clusterIP !== old?.spec.clusterIP && isIpv4(spec.clusterIP)) {
    await claimAddress(service, spec.clusterIP, context);
  }
  spec.clusterIPs = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP];
  setFamilies(spec);
  if (spec.clusterIP === "None" || spec.clusterIP === old?.spec.clusterIP) return [];
  return claimConditions(spec.clusterIP);
}

/** Gantry's services are IPv4. A headless Service without selector may have endpoints of both families. */
function setFamilies(spec: ServiceSpec): void {
  const open = spec.clusterIP === "None" && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= open ? "RequireDualStack" : "SingleStack";
  if (!spec.ipFamilies?.length) spec.ipFamilies = ["IPv4"];
  if (open && spec.ipFamilyPolicy !== "SingleStack" && spec.ipFamilies.length === 1) {
    spec.ipFamilies.push(spec.ipFamilies[0] === "IPv4" ? "IPv6" : "IPv4");
  }
}

/** The first address belongs to default/kubernetes, which asks for it by name. */
async function pickAddress(context: AllocationContext): Promise<string> {
  const { random } = context;
  const range = parseIpv4Range(context.serviceCidr);
  const taken = await takenAddresses(context);
  const first = range.base + 2;
  const count = range.size - 3;
  const start = Math.floor(random.fraction() * count);
  for (let tried = 0; tried < RANDOM_TRIES; tried += 1) {
    const address = ipv4Text(first + Math.floor(random.fraction() * count));
    if (!taken.has(address)) return address;
  }
  for (let offset = 0; offset < count; offset += 1) {
    const address = ipv4Text(first + ((start + offset) % count));
    if (!taken.has(address)) return address;
  }
  throw new StatusError("InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
}

/** Held by Services, or by an IPAddress that somebody made by hand. */
async function takenAddresses(context: AllocationContext): Promise<ReadonlySet<string>> {
  if (context.attempt <= BLIND_ATTEMPTS) return new Set();
  const held = [context.used("services", IP_FIELD), context.used(IP_ADDRESSES, "metadata.name")];
  return new Set((await Promise.all(held)).flatMap((values) => [...values]));
}

async function isHeld(address: string, context: AllocationContext): Promise<boolean> {
  const held = [
    context.isUsed({ resource: "services", field: IP_FIELD, value: address }),
    context.exists({ resource: IP_ADDRESSES, namespace: "", name: address }),
  ];
  return (await Promise.all(held)).includes(true);
}

async function claimAddress(service: Service, address: string, context: AllocationContext): Promise<void> {
  const { serviceCidr } = context;
  if (!isHostInRange(ipv4Number(address), parseIpv4Range(serviceCidr))) {
    const why = `failed to allocate IP ${address}: the provided IP (${address}) is not in the valid range. The range of valid IPs is ${serviceCidr}`;
    throw refused(service, [fieldError.invalid("spec.clusterIPs", [address], why)]);
  }
  if (await isHeld(address, context)) {
    const why = `failed to allocate IP ${address}: provided IP is already allocated`;
    throw refused(service, [fieldError.invalid("spec.clusterIPs", [address], why)]);
  }
}

function refused({ metadata }: Service, errors: FieldError[]): StatusError {
  return invalid({ group: "", kind: "Service" }, metadata.name ?? "", errors);
}

async function allocateNodePorts(
  service: Service,
  old: Service | undefined,
  context: AllocationContext,
): Promise<Conditions> {
  const ports = service.spec.ports ?? [];
  if (ports.length === 0 || (!needsNodePorts(service.spec) && !hasNodePorts(service.spec))) return [];
  if (service.spec.type !== "NodePort" && service.spec.type !== "LoadBalancer") return [];
  const own = new Set((old?.spec.ports ?? []).map(nodePortField));
  const fresh = ports.filter((port) => !port.nodePort || !own.has(nodePortField(port)));
  if (fresh.length === 0) return [];
  const errors: FieldError[] = [];
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort || !fresh.includes(port)) continue;
    errors.push(...(await claimErrors(port, `spec.ports[${index}].nodePort`, context)));
  }
  if (errors.length > 0) throw refused(service, errors);
  if (needsNodePorts(service.spec) && fresh.some(({ nodePort }) => !nodePort)) {
    const taken = await takenPorts(context);
    for (const { nodePort } of ports) if (nodePort) taken.add(nodePort);
    for (const port of fresh) port.nodePort ||= pickPort(port, { fresh, taken, context });
  }
  const fields = new Set(fresh.filter(({ nodePort }) => nodePort).map(nodePortField));
  return [...fields].map((field) => ({ kind: "field-unique", resource: "services", field, value: "true" }));
}

async function takenPorts(context: AllocationContext): Promise<Set<number>> {
  const lists = context.attempt <= BLIND_ATTEMPTS ? [] : await context.used("services", NODE_PORTS_FIELD);
  return new Set([...lists].flatMap((list) => list.split(",").map(Number)));
}

async function claimErrors(port: ServicePort, field: string, context: AllocationContext): Promise<FieldError[]> {
  const { nodePort = 0 } = port;
  if (nodePort < NODE_PORT_MIN || nodePort > NODE_PORT_MAX) {
    const why = `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_MIN}-${NODE_PORT_MAX}`;
    return [fieldError.invalid(field, nodePort, why)];
  }
  const used = await context.isUsed({ resource: "services", field: nodePortField(port), value: "true" });
  return used ? [fieldError.invalid(field, nodePort, "provided port is already allocated")] : [];
}

/** The same port over TCP and UDP gets the same number where that is possible. */
function pickPort(
  port: ServicePort,
  { fresh, taken, context }: { fresh: readonly ServicePort[]; taken: Set<number>; context: AllocationContext },
): number {
  const twin = fresh.find((other) => other.port === port.port && other.protocol !== port.protocol && other.nodePort);
  if (twin?.nodePort) return twin.nodePort;
  const start = Math.floor(context.random.fraction() * NODE_PORTS);
  for (let offset = 0; offset < NODE_PORTS; offset += 1) {
    const candidate = NODE_PORT_MIN + ((start + offset) % NODE_PORTS);
    if (taken.has(candidate)) continue;
    taken.add(candidate);
    return candidate;
  }
  throw new StatusError("InternalError", "Internal error occurred: failed to allocate a nodePort: range is full");
}
