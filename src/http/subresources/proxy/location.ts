/**
 * Where a proxied request goes: always to a pod, on the node that runs it, or to a node itself. Never to an address of the client's, or of
 * whoever may write endpoints: the node's agent dials what it knows itself to be that pod. After ResourceLocation of
 * pkg/registry/core/{pod,service,node} of Kubernetes, with its errors.
 */
import type { EndpointSlice } from "../../../kinds/discovery/endpointslices/types.ts";
import { SERVICE_NAME_LABEL } from "../../../kinds/discovery/endpointslices/types.ts";
import type { Node } from "../../../kinds/core/nodes/types.ts";
import type { Pod } from "../../../kinds/core/pods/types.ts";
import type { Service } from "../../../kinds/core/services/types.ts";
import { badRequest, notFound, StatusError } from "../../../machinery/status-error.ts";
import { decodeStored } from "../../../registry/stored-form.ts";
import type { Exchange, Services } from "../../exchange.ts";
import { isGlobalUnicast } from "./addresses.ts";
import { parseTargetName, type TargetName } from "./target-name.ts";

export interface ProxyLocation {
  /** Whose agent is asked. */
  node: string;
  /** Absent: the node itself. */
  pod?: { namespace: string; name: string; uid: string };
  scheme: "http" | "https";
  /** Of the pod or the node; undefined is what a kubelet would serve. */
  port: number | undefined;
  /** The pod's or node's, as the API knows it. */
  address: string;
}

/** Where a kubelet listens that nobody has told otherwise. */
const KUBELET_PORT = "10250";
const PORT_MAX = 65_535;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** @throws StatusError "NotFound", "BadRequest", "ServiceUnavailable" */
export async function locate(services: Services, exchange: Exchange): Promise<ProxyLocation> {
  const { plural, singular } = exchange.resource.kind;
  const target = parseTargetName(exchange.info.name);
  if (target === undefined) throw badRequest(`invalid ${singular} request ${JSON.stringify(exchange.info.name)}`);
  if (plural === "pods") return locatePod(await read<Pod>(services, exchange, "pods", target.name), target);
  if (plural === "services") return await locateService(services, exchange, target);
  return locateNode(await read<Node>(services, exchange, "nodes", target.name), target);
}

/** @throws StatusError "NotFound" */
async function read<T>(services: Services, exchange: Exchange, plural: string, name: string): Promise<T> {
  const resource = services.scheme.find({ group: "", version: "v1", plural });
  if (!resource) throw notFound({ group: "", resource: plural }, name);
  const stored = await services.registry.get({ resource, namespace: exchange.namespace, name });
  return decodeStored(resource, stored) as T;
}

export function locatePod(pod: Pod, { scheme, port }: TargetName): ProxyLocation {
  const declared = pod.spec.containers.find(({ ports }) => ports?.length)?.ports?.[0]?.containerPort;
  const [address = ""] = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
  const { nodeName } = pod.spec;
  if (!isGlobalUnicast(address) || !nodeName) throw badRequest("address not allowed");
  const number = port === "" ? (declared ?? DEFAULT_PORTS[scheme]) : portNumber(port);
  return { node: nodeName, pod: identityOf(pod), scheme, port: number, address };
}

function identityOf({ metadata }: Pod): NonNullable<ProxyLocation["pod"]> {
  return { namespace: metadata.namespace ?? "", name: metadata.name ?? "", uid: metadata.uid ?? "" };
}

/** @throws StatusError "ServiceUnavailable", in the words of the dial that would fail */
function portNumber(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw undiallable(`lookup tcp/${text}: unknown port`);
  const port = Number(text);
  if (port > PORT_MAX || port === 0) throw undiallable(`address ${text}: invalid port`);
  return port;
}

function undiallable(why: string): StatusError {
  return new StatusError("ServiceUnavailable", `error trying to reach service: dial tcp: ${why}`);
}

export function locateNode(node: Node, { scheme, port }: TargetName): ProxyLocation {
  const name = node.metadata.name ?? "";
  const { addresses = [], daemonEndpoints } = node.status ?? {};
  const address = addresses.find(({ type }) => type === "InternalIP")?.address ?? "";
  const kubeletPort = String(daemonEndpoints?.kubeletEndpoint?.Port || KUBELET_PORT);
  if (port === "" || port === kubeletPort) return { node: name, scheme: "https", port: undefined, address };
  if (!isGlobalUnicast(address)) throw badRequest("address not allowed");
  return { node: name, scheme, port: portNumber(port), address };
}

async function locateService(services: Services, exchange: Exchange, target: TargetName): Promise<ProxyLocation> {
  const { namespace } = exchange;
  const [service, { objects }] = await Promise.all([
    read<Service>(services, exchange, "services", target.name),
    services.cluster.storage.list({
      resource: "endpointslices.discovery.k8s.io",
      namespace,
      selector: { labels: [{ key: SERVICE_NAME_LABEL, operator: "In", values: [target.name] }], fields: [] },
    }),
  ]);
  const portName = servicePortName(service, target);
  const slices = objects.map(({ value }) => JSON.parse(value) as EndpointSlice);
  if (!slices.some(({ endpoints }) => endpoints?.length)) throw noEndpoints(target.name);
  const candidates = shuffled(candidatesOf(slices, portName, namespace), services);
  for (const { address, podName, port } of candidates) {
    const pod = await read<Pod>(services, exchange, "pods", podName).catch(ignoreMissing);
    // An endpoint of whoever may write slices: only what is a pod's own address is gone to.
    if (!pod?.status?.podIPs?.some(({ ip }) => ip === address) || !isGlobalUnicast(address)) continue;
    if (!pod.spec.nodeName) continue;
    return { node: pod.spec.nodeName, pod: identityOf(pod), scheme: target.scheme, port, address };
  }
  throw noEndpoints(exchange.info.name);
}

/** The name of the port that is meant: a number is that of a port of the service. @throws StatusError "ServiceUnavailable" */
export function servicePortName({ spec }: Service, { name, port }: TargetName): string {
  if (!/^[+-]?[0-9]+$/.test(port)) return port;
  const found = spec.ports?.find((candidate) => candidate.port === Number(port));
  if (found) return found.name ?? "";
  throw new StatusError(
    "ServiceUnavailable",
    `no service port ${Number(port)} found for service ${JSON.stringify(name)}`,
  );
}

function noEndpoints(id: string): StatusError {
  return new StatusError("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(id)}`);
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof StatusError) || error.reason !== "NotFound") throw error;
}

interface Candidate {
  address: string;
  podName: string;
  port: number;
}

/** Ready endpoints that are pods of this namespace, at the port of that name. */
export function candidatesOf(slices: readonly EndpointSlice[], portName: string, namespace: string): Candidate[] {
  return slices.flatMap(({ ports = [], endpoints = [] }) => {
    const port = ports.find((candidate) => (candidate.name ?? "") === portName)?.port;
    if (port === undefined) return [];
    return endpoints.flatMap(({ addresses, targetRef, conditions }) => {
      if (conditions?.ready === false || targetRef?.kind !== "Pod" || targetRef.namespace !== namespace) return [];
      return addresses.map((address) => ({ address, podName: targetRef.name ?? "", port }));
    });
  });
}

/** How many endpoints are looked at before the service counts as out of reach. */
const TRIES_MAX = 8;

function shuffled(candidates: Candidate[], { cluster }: Services): Candidate[] {
  const start = Math.floor(cluster.platform.random.fraction() * candidates.length);
  return [...candidates.slice(start), ...candidates.slice(0, start)].slice(0, TRIES_MAX);
}
