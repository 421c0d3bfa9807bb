/** GET pods/{name}/log: an HTTP body that the node's agent writes. */
import { fieldError, invalid, type FieldError } from "../../machinery/status-error.ts";
import { booleanOption, integerOption, type Exchange, type Services } from "../exchange.ts";
import { assertHasLogs, containerOf, readPod } from "./pod-target.ts";

export async function handleLog(services: Services, exchange: Exchange): Promise<Response> {
  const { query, info, auditId } = exchange;
  validateOptions(query);
  const pod = await readPod(services, exchange);
  const container = containerOf(pod, query.get("container"));
  const { nodeName } = pod.spec;
  // As in Kubernetes, a pod without a node has an empty log rather than none.
  if (!nodeName)
    return new Response("", { status: 200, headers: { "Content-Type": "text/plain", "Audit-Id": auditId } });
  assertHasLogs(pod, container, booleanOption(query, "previous") ?? false);
  const asked = new URLSearchParams(query);
  asked.set("container", container);
  await exchange.authorization.confirm();
  return await services.cluster.streams.open({
    node: nodeName,
    target: {
      kind: "log",
      namespace: info.namespace,
      pod: info.name,
      uid: pod.metadata.uid ?? "",
      query: asked.toString(),
    },
    client: exchange.request,
    opener: exchange.opener,
  });
}

function validateOptions(query: URLSearchParams): void {
  const errors: FieldError[] = [];
  const atLeast = (name: string, min: number) => {
    const value = integerOption(query, name);
    const why = `must be greater than or equal to ${min}`;
    if (value !== undefined && value < min) errors.push(fieldError.invalid(name, value, why));
  };
  atLeast("tailLines", 0);
  atLeast("limitBytes", 1);
  const seconds = integerOption(query, "sinceSeconds");
  if (seconds !== undefined && seconds < 1) {
    errors.push(fieldError.invalid("sinceSeconds", seconds, "must be greater than 0"));
  }
  if (seconds !== undefined && query.has("sinceTime")) {
    errors.push(fieldError.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  }
  if (errors.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, "", errors);
}
