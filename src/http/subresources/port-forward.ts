/** pods/{name}/portforward: a WebSocket to the node that carries SPDY, or channels. Not one byte of it passes through here. */
import { badRequest } from "../../machinery/status-error.ts";
import type { Exchange, Services } from "../exchange.ts";
import { assertMayOpen, nodeOf, readPod } from "./pod-target.ts";
import { subprotocolOf } from "./subprotocol.ts";

/**
 * As kubectl tunnels it since 1.31 (KEP-4006): SPDY frames as the bytes of binary messages. Connections are opened inside, each for
 * whatever port it names.
 */
const TUNNELLED = "SPDY/3.1+portforward.k8s.io";
/** A connection per port of the query, two channels each. As k8s.io/kubelet/pkg/cri/streaming/portforward serves. */
const CHANNELS = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"];
const PORT_MAX = 65_535;
/** Channels are numbered by a byte. */
const PORTS_MAX = 127;

export async function handlePortForward(services: Services, exchange: Exchange): Promise<Response> {
  const { query, info, request } = exchange;
  await assertMayOpen(services, exchange);
  const pod = await readPod(services, exchange);
  const node = nodeOf(pod);
  const subprotocol = subprotocolOf(request, [TUNNELLED, ...CHANNELS]);
  const ports = subprotocol === TUNNELLED ? "" : forwardedPorts(query).join(",");
  await exchange.authorization.confirm();
  return await services.cluster.streams.open({
    node,
    target: {
      kind: "portforward",
      namespace: info.namespace,
      pod: info.name,
      uid: pod.metadata.uid ?? "",
      query: new URLSearchParams({ ports }).toString(),
      ...(subprotocol === undefined ? {} : { subprotocol }),
    },
    client: request,
    opener: exchange.opener,
  });
}

/** `ports=80&ports=443` or `ports=80,443`. @throws StatusError "BadRequest" with the kubelet's words */
export function forwardedPorts(query: URLSearchParams): number[] {
  const values = query.getAll("ports");
  if (values.length === 0) throw badRequest('query parameter "port" is required');
  const ports = values.flatMap((value) => {
    if (value === "") throw badRequest('query parameter "port" cannot be empty');
    return value.split(",").map((text) => portOf(text, value));
  });
  if (ports.length > PORTS_MAX) throw badRequest(`no more than ${PORTS_MAX} ports can be forwarded on one connection`);
  return ports;
}

function portOf(text: string, value: string): number {
  const fail = (why: string) =>
    badRequest(`unable to parse ${JSON.stringify(value)} as a port: strconv.ParseUint: parsing ${why}`);
  if (!/^[0-9]+$/.test(text)) throw fail(`${JSON.stringify(text)}: invalid syntax`);
  const port = Number(text);
  if (port > PORT_MAX) throw fail(`${JSON.stringify(text)}: value out of range`);
  if (port < 1) throw badRequest(`port ${JSON.stringify(value)} must be > 0`);
  return port;
}
