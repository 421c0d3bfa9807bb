/** What controllers keep of Services, EndpointSlices, namespaces, ConfigMaps and FlowSchemas. */
import type { ConfigMap } from "../../kinds/core/configmaps/types.ts";
import type { Namespace, NamespaceCondition } from "../../kinds/core/namespaces/types.ts";
import type { Service, ServiceSpec } from "../../kinds/core/services/types.ts";
import {
  MANAGED_BY_LABEL,
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
} from "../../kinds/discovery/endpointslices/types.ts";
import type { FlowCondition, FlowSchema } from "../../kinds/flowcontrol/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import {
  ACCOUNT_NAME_ANNOTATION,
  ACCOUNT_UID_ANNOTATION,
  SERVICE_ACCOUNT_TOKEN,
  type Secret,
} from "../../kinds/core/secrets/types.ts";
import { metaView, ownershipOnly, type View } from "./view.ts";

export interface ServiceView extends View {
  spec: Pick<
    ServiceSpec,
    "type" | "selector" | "ports" | "clusterIP" | "clusterIPs" | "ipFamilies" | "publishNotReadyAddresses"
  >;
}

export interface EndpointSliceView extends View {
  addressType: EndpointSlice["addressType"];
  endpoints: readonly Endpoint[];
  ports: readonly EndpointPort[];
}

export interface NamespaceView extends View {
  specFinalizers: readonly string[];
  conditions: readonly NamespaceCondition[];
}

/** Of a Secret for a service account; of all others only that they are there. */
export interface SecretView extends View {
  account?: {
    name: string;
    uid: string;
    /** It has a token, a CA and a namespace. */
    filled: boolean;
  };
}

export interface ConfigMapView extends View {
  /** Of `kube-root-ca.crt` only. */
  data?: Readonly<Record<string, string>>;
}

export interface FlowSchemaView extends View {
  /** Name of its priority level. */
  level: string;
  /** The condition as it is stored. */
  dangling?: FlowCondition;
}

export const ROOT_CA_NAME = "kube-root-ca.crt";
export const SLICE_MANAGER = "endpointslice-controller.k8s.io";

export function serviceView(object: KubeObject): ServiceView {
  const { metadata, spec } = object as Service;
  const { type, selector, ports, clusterIP, clusterIPs, ipFamilies, publishNotReadyAddresses } = spec;
  const kept = { type, selector, ports, clusterIP, clusterIPs, ipFamilies, publishNotReadyAddresses };
  const present = Object.entries(kept).filter(([, value]) => value !== undefined);
  return { metadata: metaView(metadata), spec: Object.fromEntries(present) };
}

/** Slices of others keep their metadata only. */
export function endpointSliceView(object: KubeObject): EndpointSliceView {
  const { metadata, addressType, endpoints, ports } = object as EndpointSlice;
  const ours = metadata.labels?.[MANAGED_BY_LABEL] === SLICE_MANAGER;
  return {
    metadata: metaView(metadata),
    addressType,
    endpoints: (ours && endpoints) || [],
    ports: (ours && ports) || [],
  };
}

export function namespaceView(object: KubeObject): NamespaceView {
  const { metadata, spec, status } = object as Namespace;
  return {
    metadata: metaView(metadata),
    specFinalizers: spec?.finalizers ?? [],
    conditions: status?.conditions ?? [],
  };
}

export function configMapView(object: KubeObject): ConfigMapView {
  const { metadata, data } = object as ConfigMap;
  const view: ConfigMapView = { metadata: metaView(metadata) };
  if (metadata.name === ROOT_CA_NAME) view.data = data ?? {};
  return view;
}

export function flowSchemaView(object: KubeObject): FlowSchemaView {
  const { metadata, spec, status } = object as FlowSchema;
  const view: FlowSchemaView = { metadata: metaView(metadata), level: spec.priorityLevelConfiguration.name };
  const dangling = status?.conditions?.find(({ type }) => type === "Dangling");
  return dangling ? { ...view, dangling } : view;
}

const TOKEN_KEYS = ["token", "ca.crt", "namespace"];

export function secretView(object: KubeObject): SecretView {
  const { type, metadata, data = {} } = object as Secret;
  const view = ownershipOnly(object);
  if (type !== SERVICE_ACCOUNT_TOKEN) return view;
  const { [ACCOUNT_NAME_ANNOTATION]: name = "", [ACCOUNT_UID_ANNOTATION]: uid = "" } = metadata.annotations ?? {};
  return { ...view, account: { name, uid, filled: uid !== "" && TOKEN_KEYS.every((key) => Boolean(data[key])) } };
}
