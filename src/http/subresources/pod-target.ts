/** Which pod, container and node a stream request means. Texts are those of Kubernetes' pod strategy and kubelet. */
import type { KubeObject } from "../../machinery/meta.ts";
import { badRequest } from "../../machinery/status-error.ts";
import type { Resource } from "../../registry/scheme.ts";
import { decodeStored } from "../../registry/stored-form.ts";
import type { StoredObject } from "../../storage/storage.ts";
import type { Exchange, Services } from "../exchange.ts";
import type { ItemKey } from "../item-list.ts";
import { target } from "../write.ts";

interface ContainerState {
  waiting?: { reason?: string };
  running?: object;
  terminated?: { containerID?: string };
}

interface ContainerStatus {
  name: string;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface StreamPod extends KubeObject {
  spec: {
    nodeName?: string;
    containers?: { name: string }[];
    initContainers?: { name: string }[];
    ephemeralContainers?: { name: string }[];
  };
  status?: {
    phase?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
    ephemeralContainerStatuses?: ContainerStatus[];
  };
}

/** @throws StatusError "NotFound" */
export async function readPod(services: Services, exchange: Exchange): Promise<StreamPod> {
  return decodeStored(exchange.resource, await services.registry.get(target(exchange))) as StreamPod;
}

const isNode = ({ resource }: StoredObject): boolean => resource === "nodes";

/** Pods by their keys, in one read and in their order; undefined where there is none. With them nodes, by name. */
export async function storedPods(
  { cluster }: Services,
  resource: Resource,
  { keys, nodes = [] }: { keys: readonly (ItemKey | undefined)[]; nodes?: readonly string[] },
): Promise<{ pods: (StoredObject | undefined)[]; nodes: Map<string, StoredObject> }> {
  const found = await cluster.storage.getMany([
    ...keys.flatMap((key) =>
      key ? [{ resource: resource.storageName, namespace: key.namespace, name: key.name }] : [],
    ),
    ...[...new Set(nodes)].map((name) => ({ resource: "nodes", namespace: "", name })),
  ]);
  const byKey = new Map(
    found.filter((object) => !isNode(object)).map((object) => [`${object.namespace}/${object.name}`, object]),
  );
  return {
    pods: keys.map((key) => key && byKey.get(`${key.namespace}/${key.name}`)),
    nodes: new Map(found.filter(isNode).map((object) => [object.name, object])),
  };
}

/**
 * exec, attach and port-forward change what runs: whoever may only read must not open them by the GET of a WebSocket. As Kubernetes has
 * it since 1.35 (AuthorizePodWebsocketUpgradeCreatePermission).
 * @throws StatusError "Forbidden"
 */
export async function assertMayOpen(services: Services, exchange: Exchange): Promise<void> {
  if (exchange.info.verb !== "create") await services.assertMayCreate(exchange);
}

/** The container the client named, or the only one there is. @throws StatusError "BadRequest" */
export function containerOf(pod: StreamPod, asked: string | null): string {
  const name = pod.metadata.name ?? "";
  const containers = (pod.spec.containers ?? []).map((container) => container.name);
  const inits = (pod.spec.initContainers ?? []).map((container) => container.name);
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((container) => container.name);
  if (asked !== null && asked !== "") {
    if ([...containers, ...inits, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only] = containers;
  if (only !== undefined && containers.length === 1) return only;
  const choices = `choose one of: [${containers.join(" ")}]`;
  const init = inits.length === 0 ? "" : ` or one of the init containers: [${inits.join(" ")}]`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choices}${init}`);
}

/** @throws StatusError "BadRequest" where no node runs the pod */
export function nodeOf(pod: StreamPod): string {
  const { nodeName } = pod.spec;
  if (!nodeName) throw badRequest(`pod ${pod.metadata.name ?? ""} does not have a host assigned`);
  return nodeName;
}

/** Is there (or was there) a process whose output could be shown? @throws StatusError "BadRequest" with what it waits for */
export function assertHasLogs(pod: StreamPod, container: string, previous: boolean): void {
  const name = pod.metadata.name ?? "";
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const status = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    (candidate) => candidate.name === container,
  );
  const subject = `container "${container}" in pod "${name}"`;
  const ended = status?.lastState?.terminated;
  if (previous) {
    if (!ended) throw badRequest(`previous terminated ${subject} not found`);
    return;
  }
  // The node has not spoken of the container yet: it is about to make it.
  if (!status?.state) throw badRequest(`${subject} is waiting to start: ContainerCreating`);
  if (status.state.running || status.state.terminated || ended) return;
  const reason = status.state.waiting?.reason;
  if (reason === "ErrImagePull") throw badRequest(`${subject} is waiting to start: image can't be pulled`);
  if (reason === "ImagePullBackOff") {
    throw badRequest(`${subject} is waiting to start: trying and failing to pull image`);
  }
  throw badRequest(`${subject} is waiting to start: ${reason ?? "ContainerCreating"}`);
}
