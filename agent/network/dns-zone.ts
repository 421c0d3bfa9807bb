/**
 * The names of a cluster, as pods ask for them: Services, headless endpoints and named ports, after the specification of DNS-based
 * service discovery for Kubernetes (version 1.1.0). Pure: the server in dns-server.ts asks it for every question.
 */
import type { SyncResponse } from "../../src/relay/protocol.ts";
import type { EndpointSlice } from "../../src/kinds/discovery/endpointslices/types.ts";
import type { Service } from "../../src/kinds/core/services/types.ts";

export type ZoneAnswer =
  | { kind: "a"; addresses: string[] }
  | { kind: "srv"; targets: { port: number; target: string; address: string }[] }
  | { kind: "cname"; target: string }
  /** The name exists, without records of the asked type. */
  | { kind: "no-data" }
  | { kind: "no-name" }
  /** Not ours: ask upstream. */
  | { kind: "foreign" };

export interface Zone {
  answer(question: { name: string; type: string }): ZoneAnswer;
}

interface NamedService {
  service: Service;
  slices: EndpointSlice[];
}

/** `dnsDomain` is e.g. "cluster.local". Names are compared in lower case. */
export function createZone(
  state: { services: SyncResponse["services"]; endpointSlices: SyncResponse["endpointSlices"] },
  dnsDomain: string,
): Zone {
  const byName = index(state);
  const suffix = `.svc.${dnsDomain}`;
  return {
    answer({ name, type }) {
      const asked = name.toLowerCase().replace(/\.$/, "");
      if (asked !== dnsDomain && !asked.endsWith(`.${dnsDomain}`)) return { kind: "foreign" };
      if (!asked.endsWith(suffix))
        return asked === dnsDomain || `.${asked}` === suffix ? { kind: "no-data" } : { kind: "no-name" };
      const labels = asked.slice(0, -suffix.length).split(".");
      return answerLabels(byName, labels, { type, suffix });
    },
  };
}

function index(state: Parameters<typeof createZone>[0]): Map<string, NamedService> {
  const byName = new Map<string, NamedService>();
  for (const object of state.services) {
    const service = object as Service;
    byName.set(`${service.metadata.name}.${service.metadata.namespace}`, { service, slices: [] });
  }
  for (const object of state.endpointSlices) {
    const slice = object as EndpointSlice;
    const owner = slice.metadata.labels?.["kubernetes.io/service-name"];
    byName.get(`${owner}.${slice.metadata.namespace}`)?.slices.push(slice);
  }
  return byName;
}

function answerLabels(
  byName: Map<string, NamedService>,
  labels: string[],
  { type, suffix }: { type: string; suffix: string },
): ZoneAnswer {
  if (labels.length === 1) {
    const namespaceExists = [...byName.keys()].some((key) => key.endsWith(`.${labels[0]}`));
    return { kind: namespaceExists ? "no-data" : "no-name" };
  }
  const found = byName.get(labels.slice(-2).join("."));
  if (found === undefined) return { kind: "no-name" };
  const host = `${labels.slice(-2).join(".")}${suffix}`;
  const rest = labels.slice(0, -2);
  if (rest.length === 0) return serviceAnswer(found, type);
  const [first = "", second = ""] = rest;
  if (rest.length === 2 && first.startsWith("_") && second.startsWith("_")) {
    return portAnswer(found, { port: first.slice(1), protocol: second.slice(1), host, type });
  }
  if (rest.length === 1) {
    const endpoint = endpointsOf(found).find(({ hostname }) => hostname === first);
    if (endpoint === undefined) return { kind: "no-name" };
    return type === "A" ? { kind: "a", addresses: [endpoint.address] } : { kind: "no-data" };
  }
  return { kind: "no-name" };
}

function serviceAnswer(found: NamedService, type: string): ZoneAnswer {
  const { spec } = found.service;
  if (spec.type === "ExternalName" && spec.externalName) return { kind: "cname", target: spec.externalName };
  if (type !== "A") return { kind: "no-data" };
  if (spec.clusterIP && spec.clusterIP !== "None") return { kind: "a", addresses: [spec.clusterIP] };
  const addresses = [...new Set(endpointsOf(found).map(({ address }) => address))];
  return addresses.length > 0 ? { kind: "a", addresses } : { kind: "no-name" };
}

function portAnswer(
  found: NamedService,
  asked: { port: string; protocol: string; host: string; type: string },
): ZoneAnswer {
  const { spec } = found.service;
  const port = (spec.ports ?? []).find(
    (candidate) =>
      (candidate.name ?? "").toLowerCase() === asked.port &&
      (candidate.protocol ?? "TCP").toLowerCase() === asked.protocol,
  );
  if (port === undefined) return { kind: "no-name" };
  if (asked.type !== "SRV") return { kind: "no-data" };
  if (spec.clusterIP && spec.clusterIP !== "None") {
    return { kind: "srv", targets: [{ port: port.port, target: asked.host, address: spec.clusterIP }] };
  }
  const targets = endpointsOf(found).flatMap(({ hostname, address, ports }) => {
    const number = ports.find((candidate) => (candidate.name ?? "") === (port.name ?? ""))?.port;
    return number == null ? [] : [{ port: number, target: `${hostname}.${asked.host}`, address }];
  });
  return targets.length > 0 ? { kind: "srv", targets } : { kind: "no-name" };
}

/** Ready endpoints; one without a hostname is named by its address with dashes, as CoreDNS does. */
function endpointsOf(
  found: NamedService,
): { hostname: string; address: string; ports: { name?: string; port?: number }[] }[] {
  const unready = found.service.spec.publishNotReadyAddresses === true;
  return found.slices.flatMap((slice) =>
    (slice.endpoints ?? [])
      .filter((endpoint) => unready || endpoint.conditions?.ready !== false)
      .flatMap((endpoint) =>
        endpoint.addresses.map((address) => ({
          hostname: endpoint.hostname ?? address.replaceAll(".", "-"),
          address,
          ports: (slice.ports ?? []) as { name?: string; port?: number }[],
        })),
      ),
  );
}
