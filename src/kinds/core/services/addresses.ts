/** The IPAddress objects of a Service's ClusterIPs: pkg/registry/core/service/ipallocator of Kubernetes. */
import { isIpv6 } from "../../../machinery/validation.ts";
import type { Companion, Strategy } from "../../../registry/strategy.ts";
import type { IpAddress } from "../../networking/types.ts";
import type { Service } from "./types.ts";

export const IP_ADDRESSES = "ipaddresses.networking.k8s.io";
const FAMILY_LABEL = "ipaddress.kubernetes.io/ip-family";
const MANAGED_BY_LABEL = "ipaddress.kubernetes.io/managed-by";
const ALLOCATOR = "ipallocator.k8s.io";

/** The addresses that a Service holds: none of a headless or external one. */
export function addressesOf(service: Pick<Service, "spec"> | undefined): readonly string[] {
  if (!service || service.spec.type === "ExternalName") return [];
  const { clusterIP = "", clusterIPs = [clusterIP] } = service.spec;
  return clusterIPs.filter((address) => address !== "" && address !== "None");
}

/** Each address has an IPAddress that comes and goes in the very write that takes or gives the address back, so none ever leaks. */
export function ipAddressChanges({ now, old }: { now: Service | undefined; old: Service | undefined }): Companion[] {
  const held = addressesOf(now);
  const before = addressesOf(old);
  return [
    ...before
      .filter((address) => !held.includes(address))
      .map((name): Companion => ({ op: "remove", resource: IP_ADDRESSES, name })),
    ...(now ? held.filter((address) => !before.includes(address)) : []).map((address): Companion => ({
      op: "create",
      resource: IP_ADDRESSES,
      object: ipAddress(now, address),
    })),
  ];
}

function ipAddress(service: Service | undefined, address: string): IpAddress {
  const { name = "", namespace = "" } = service?.metadata ?? {};
  return {
    metadata: {
      name: address,
      labels: { [FAMILY_LABEL]: isIpv6(address) ? "IPv6" : "IPv4", [MANAGED_BY_LABEL]: ALLOCATOR },
    },
    spec: { parentRef: { group: "", resource: "services", namespace, name } },
  };
}

/** What makes the write of a Service fail as "taken" where somebody else has the address, be it a Service or not. */
export function claimConditions(address: string): Awaited<ReturnType<NonNullable<Strategy["allocate"]>>> {
  return [
    { kind: "field-unique", resource: "services", field: "spec.clusterIP", value: address },
    { kind: "absent", resource: IP_ADDRESSES, namespace: "", name: address },
  ];
}
