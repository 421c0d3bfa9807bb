/** pods/{name}/exec and /attach: a WebSocket to the node. Not one byte of it passes through here. */
import { badRequest } from "../../machinery/status-error.ts";
import type { Exchange, Services } from "../exchange.ts";
import { assertMayOpen, containerOf, nodeOf, readPod } from "./pod-target.ts";
import { subprotocolOf } from "./subprotocol.ts";

const PROTOCOLS = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "base64.channel.k8s.io",
  "channel.k8s.io",
];

export async function handleExec(services: Services, exchange: Exchange): Promise<Response> {
  const { query, info, request } = exchange;
  await assertMayOpen(services, exchange);
  const pod = await readPod(services, exchange);
  const container = containerOf(pod, query.get("container"));
  const node = nodeOf(pod);
  if (info.subresource === "exec" && !query.has("command")) throw badRequest("you must specify at least 1 command");
  const { phase } = pod.status ?? {};
  if (phase === "Succeeded" || phase === "Failed") {
    throw badRequest(`cannot ${info.subresource} into a container in a completed pod; current phase is ${phase}`);
  }
  const subprotocol = subprotocolOf(request, PROTOCOLS);
  const asked = new URLSearchParams(query);
  asked.set("container", container);
  await exchange.authorization.confirm();
  return await services.cluster.streams.open({
    node,
    target: {
      kind: info.subresource === "exec" ? "exec" : "attach",
      namespace: info.namespace,
      pod: info.name,
      uid: pod.metadata.uid ?? "",
      query: asked.toString(),
      ...(subprotocol === undefined ? {} : { subprotocol }),
    },
    client: request,
    opener: exchange.opener,
  });
}
