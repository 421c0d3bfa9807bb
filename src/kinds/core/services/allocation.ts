/**
 * Cluster-wide unique numbers of Services: ClusterIPs and node ports (pkg/registry/core/service of Kubernetes). What is picked here
 * is guarded by conditions of the write, so two Workers that pick the same at once don't both win.
 */
import { ipv4Number, ipv4Text, isHostInRange, parseIpv4Range } from "../../../machinery/cidr.ts";
import { invalid, fieldError, StatusError, type FieldError } from "../../../machinery/status-error.ts";
import { isIpv4 } from "../../../machinery/validation.ts";
import type { AllocationContext, Strategy } from "../../../registry/strategy.ts";
import { claimConditions, IP_ADDRESSES } from "./addresses.ts";
import { alignAddresses } from "./carry-over.ts";
import { completeFamilies } from "./families.ts";
import { isHeadless, needsClusterIp } from "./needs.ts";
import { allocateNodePorts } from "./node-ports.ts";
import { BLIND_ATTEMPTS, pickFree, reservedCount } from "./pick.ts";
import type { Service } from "./types.ts";

/** What a strategy returns; the union itself is storage's. */
type Conditions = Awaited<ReturnType<NonNullable<Strategy["allocate"]>>>;

const IP_FIELD = "spec.clusterIP";

export async function allocateService(
  service: Service,
  old: Service | undefined,
  context: AllocationContext,
): Promise<Conditions> {
  if (!old) alignAddresses(service.spec);
  const errors = completeFamilies(service.spec, old?.spec);
  if (errors.length > 0) throw refused(service, errors);
  const address = await allocateClusterIp(service, old, context);
  return [...address, ...(await allocateNodePorts(service, old, context))];
}

/** A Service that has an address keeps it: that it changes is refused by validation. */
async function allocateClusterIp(
  service: Service,
  old: Service | undefined,
  context: AllocationContext,
): Promise<Conditions> {
  const { spec } = service;
  if (!needsClusterIp(spec) || isHeadless(spec) || (old && needsClusterIp(old.spec))) return [];
  const [asked = ""] = spec.clusterIPs ?? [];
  if (asked !== "") await assertClaimable(service, asked, context);
  spec.clusterIP = asked === "" ? await pickAddress(context) : asked;
  spec.clusterIPs = [spec.clusterIP];
  return claimConditions(spec.clusterIP);
}

/** The network's own address is nobody's; the one after it is default/kubernetes', which asks for it by name. */
async function pickAddress(context: AllocationContext): Promise<string> {
  const { base, size } = parseIpv4Range(context.serviceCidr);
  const taken = await takenAddresses(context);
  const picked = pickFree({
    first: base + 2,
    count: size - 3,
    reserved: reservedCount(size, { step: 16, max: 256 }) - 1,
    isTaken: (number) => taken.has(ipv4Text(number)),
    random: context.random,
  });
  if (picked !== undefined) return ipv4Text(picked);
  throw new StatusError("InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
}

/** Held by Services, or by an IPAddress that somebody made by hand. */
async function takenAddresses(context: AllocationContext): Promise<ReadonlySet<string>> {
  if (context.attempt <= BLIND_ATTEMPTS) return new Set();
  const held = [context.used("services", IP_FIELD), context.used(IP_ADDRESSES, "metadata.name")];
  return new Set((await Promise.all(held)).flatMap((values) => [...values]));
}

async function assertClaimable(service: Service, address: string, context: AllocationContext): Promise<void> {
  const { serviceCidr } = context;
  const refuse = (why: string) =>
    refused(service, [
      fieldError.invalid("spec.clusterIPs", service.spec.clusterIPs, `failed to allocate IP ${address}: ${why}`),
    ]);
  if (!isIpv4(address) || !isHostInRange(ipv4Number(address), parseIpv4Range(serviceCidr))) {
    throw refuse(`the provided IP (${address}) is not in the valid range. The range of valid IPs is ${serviceCidr}`);
  }
  if (await isHeld(address, context)) throw refuse("provided IP is already allocated");
}

async function isHeld(address: string, context: AllocationContext): Promise<boolean> {
  const held = [
    context.isUsed({ resource: "services", field: IP_FIELD, value: address }),
    context.exists({ resource: IP_ADDRESSES, namespace: "", name: address }),
  ];
  return (await Promise.all(held)).includes(true);
}

function refused({ metadata }: Service, errors: FieldError[]): StatusError {
  return invalid({ group: "", kind: "Service" }, metadata.name ?? "", errors);
}
