/** Node ports of Services: initNodePorts, updateNodePorts and the health check's of pkg/registry/core/service of Kubernetes. */
import { fieldError, invalid, StatusError } from "../../../machinery/status-error.ts";
import type { AllocationContext, Strategy } from "../../../registry/strategy.ts";
import { heldNodePorts, needsHealthCheck, needsNodePorts } from "./needs.ts";
import { BLIND_ATTEMPTS, pickFree, reservedCount } from "./pick.ts";
import type { Service, ServiceSpec } from "./types.ts";

type Conditions = Awaited<ReturnType<NonNullable<Strategy["allocate"]>>>;

export const NODE_PORT_MIN = 30_000;
export const NODE_PORT_MAX = 32_767;
const NODE_PORTS = NODE_PORT_MAX - NODE_PORT_MIN + 1;
/** Holds the numbers of one Service, joined by commas. */
export const NODE_PORTS_FIELD = "spec.nodePorts";

/** The stored field that makes a number unique. */
export function nodePortField(number: number): string {
  return `spec.nodePort.${number}`;
}

/** Stored with a Service. Nobody selects by these: they let the store keep node ports unique. */
export function nodePortFields(spec: ServiceSpec): Record<string, string> {
  const held = [...heldNodePorts(spec)];
  if (held.length === 0) return {};
  return {
    [NODE_PORTS_FIELD]: held.join(","),
    ...Object.fromEntries(held.map((number) => [nodePortField(number), "true"])),
  };
}

/** One Service's claims on the way to one write. */
interface Claims {
  /** Undefined, or why this Service can't have the number. */
  claim(number: number): Promise<string | undefined>;
  /** @throws StatusError "InternalError" when all are taken */
  pick(what: string): Promise<number>;
  readonly fresh: ReadonlySet<number>;
}

/** Changes `service`. @throws StatusError "Invalid", "InternalError" */
export async function allocateNodePorts(
  service: Service,
  old: Service | undefined,
  context: AllocationContext,
): Promise<Conditions> {
  const { spec } = service;
  if (spec.type !== "NodePort" && spec.type !== "LoadBalancer") return [];
  const held = heldNodePorts(old?.spec ?? {});
  const claims = createClaims(held, context);
  if (old) await allocateOnUpdate(service, held, claims);
  else await allocateOnCreate(service, claims);
  if (needsHealthCheck(spec) && !(old && needsHealthCheck(old.spec))) await allocateHealthCheck(spec, claims);
  return [...claims.fresh].map((number) => ({
    kind: "field-unique",
    resource: "services",
    field: nodePortField(number),
    value: "true",
  }));
}

function createClaims(held: ReadonlySet<number>, context: AllocationContext): Claims {
  const fresh = new Set<number>();
  let known: Promise<ReadonlySet<number>> | undefined;
  return {
    fresh,
    async claim(number) {
      if (number < NODE_PORT_MIN || number > NODE_PORT_MAX) {
        return `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_MIN}-${NODE_PORT_MAX}`;
      }
      const isUsed =
        fresh.has(number) ||
        held.has(number) ||
        (await context.isUsed({ resource: "services", field: nodePortField(number), value: "true" }));
      if (isUsed) return "provided port is already allocated";
      fresh.add(number);
      return undefined;
    },
    async pick(what) {
      known ??= takenNumbers(context);
      const taken = await known;
      const picked = pickFree({
        first: NODE_PORT_MIN,
        count: NODE_PORTS,
        reserved: reservedCount(NODE_PORTS, { step: 32, max: 128 }),
        isTaken: (number) => taken.has(number) || fresh.has(number) || held.has(number),
        random: context.random,
      });
      if (picked === undefined) {
        throw new StatusError("InternalError", `Internal error occurred: failed to allocate a ${what}: range is full`);
      }
      fresh.add(picked);
      return picked;
    },
  };
}

async function takenNumbers(context: AllocationContext): Promise<ReadonlySet<number>> {
  const lists = context.attempt <= BLIND_ATTEMPTS ? [] : await context.used("services", NODE_PORTS_FIELD);
  return new Set([...lists].flatMap((list) => list.split(",").map(Number)));
}

/** Ports of one number (over several protocols) share a node port unless they ask for different ones. */
async function allocateOnCreate(service: Service, claims: Claims): Promise<void> {
  const { ports = [] } = service.spec;
  const shared = new Map<number, number>();
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort && !needsNodePorts(service.spec)) continue;
    const known = shared.get(port.port);
    if (known !== undefined && (!port.nodePort || port.nodePort === known)) {
      port.nodePort = known;
      continue;
    }
    const asked = known ? port.nodePort : ports.find((other) => other.port === port.port && other.nodePort)?.nodePort;
    if (asked) await claimOrRefuse(service, { number: asked, index }, claims);
    const number = asked ?? (await claims.pick("nodePort"));
    if (known === undefined) {
      port.nodePort = number;
      shared.set(port.port, number);
    }
  }
}

/** Here each port without a number gets one of its own. */
async function allocateOnUpdate(service: Service, held: ReadonlySet<number>, claims: Claims): Promise<void> {
  for (const [index, port] of (service.spec.ports ?? []).entries()) {
    if (!port.nodePort) {
      if (needsNodePorts(service.spec)) port.nodePort = await claims.pick("nodePort");
    } else if (!held.has(port.nodePort) && !claims.fresh.has(port.nodePort)) {
      await claimOrRefuse(service, { number: port.nodePort, index }, claims);
    }
  }
}

async function claimOrRefuse(
  { metadata }: Service,
  { number, index }: { number: number; index: number },
  claims: Claims,
): Promise<void> {
  const why = await claims.claim(number);
  if (why === undefined) return;
  const error = fieldError.invalid(`spec.ports[${index}].nodePort`, number, why);
  throw invalid({ group: "", kind: "Service" }, metadata.name ?? "", [error]);
}

async function allocateHealthCheck(spec: ServiceSpec, claims: Claims): Promise<void> {
  const { healthCheckNodePort: asked = 0 } = spec;
  if (asked === 0) {
    spec.healthCheckNodePort = await claims.pick("HealthCheck NodePort 0");
    return;
  }
  const why = await claims.claim(asked);
  if (why === undefined) return;
  const message = `Internal error occurred: failed to allocate requested HealthCheck NodePort ${asked}: ${why}`;
  throw new StatusError("InternalError", message);
}
