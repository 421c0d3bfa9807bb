/** One informer a resource, shared by all loops: they read it through the stores and write with clients of their own. */
import type { Client } from "../client/client.ts";
import { customResourceDefinitions } from "../kinds/apiextensions/customresourcedefinitions/types.ts";
import { deployments } from "../kinds/apps/deployments/types.ts";
import { replicaSets } from "../kinds/apps/replicasets/types.ts";
import { statefulSets } from "../kinds/apps/statefulsets/types.ts";
import { certificateSigningRequests } from "../kinds/certificates/certificatesigningrequests/types.ts";
import { configMaps } from "../kinds/core/configmaps/types.ts";
import { events } from "../kinds/core/events/types.ts";
import { namespaces } from "../kinds/core/namespaces/types.ts";
import { nodes } from "../kinds/core/nodes/types.ts";
import { persistentVolumeClaims } from "../kinds/core/persistentvolumeclaims/types.ts";
import { persistentVolumes } from "../kinds/core/persistentvolumes/types.ts";
import { pods } from "../kinds/core/pods/types.ts";
import { replicationControllers } from "../kinds/core/replicationcontrollers/types.ts";
import { resourceQuotas } from "../kinds/core/resourcequotas/types.ts";
import { secrets } from "../kinds/core/secrets/types.ts";
import { serviceAccounts } from "../kinds/core/serviceaccounts/types.ts";
import { services } from "../kinds/core/services/types.ts";
import { endpointSlices, SERVICE_NAME_LABEL } from "../kinds/discovery/endpointslices/types.ts";
import { flowSchemas, priorityLevelConfigurations } from "../kinds/flowcontrol/types.ts";
import { podDisruptionBudgets } from "../kinds/policy/poddisruptionbudgets/types.ts";
import { clusterRoles } from "../kinds/rbac/types.ts";
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttributesClasses,
  volumeAttachments,
} from "../kinds/storage/types.ts";
import { groupResource, type ResourceRef } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import type { Platform } from "../platform/platform.ts";
import type { Indices } from "./indexed-store.ts";
import { createInformer, type Informer } from "./informer.ts";
import { definitionView, type DefinitionView } from "./views/definition-view.ts";
import {
  budgetView,
  replicationControllerView,
  scaleView,
  type BudgetView,
  type ScaleView,
} from "./views/budget-view.ts";
import { clusterRoleView, type ClusterRoleView } from "./views/cluster-role-view.ts";
import { createNodeViews, type NodeView } from "./views/node-view.ts";
import {
  configMapView,
  endpointSliceView,
  flowSchemaView,
  namespaceView,
  secretView,
  serviceView,
  type ConfigMapView,
  type EndpointSliceView,
  type FlowSchemaView,
  type NamespaceView,
  type SecretView,
  type ServiceView,
} from "./views/other-views.ts";
import { createPodViews, type PodView } from "./views/pod-view.ts";
import { quotaView, type QuotaView } from "./views/quota-view.ts";
import { signingRequestView, type SigningRequestView } from "./views/signing-request-view.ts";
import {
  attachmentView,
  claimView,
  csiCapacityView,
  csiDriverView,
  csiNodeView,
  storageClassView,
  volumeView,
  type AttachmentView,
  type ClaimView,
  type CsiCapacityView,
  type CsiDriverView,
  type CsiNodeView,
  type StorageClassView,
  type VolumeView,
} from "./views/storage-views.ts";
import { controllerOfView, metadataOnly, ownershipOnly, type View } from "./views/view.ts";
import { deploymentView, replicaSetView, type DeploymentView, type ReplicaSetView } from "./views/workload-views.ts";

export interface Stores {
  pods: Informer<PodView>;
  nodes: Informer<NodeView>;
  services: Informer<ServiceView>;
  endpointSlices: Informer<EndpointSliceView>;
  deployments: Informer<DeploymentView>;
  replicaSets: Informer<ReplicaSetView>;
  namespaces: Informer<NamespaceView>;
  serviceAccounts: Informer;
  secrets: Informer<SecretView>;
  configMaps: Informer<ConfigMapView>;
  statefulSets: Informer<ScaleView>;
  replicationControllers: Informer<ScaleView>;
  podDisruptionBudgets: Informer<BudgetView>;
  storageClasses: Informer<StorageClassView>;
  csiNodes: Informer<CsiNodeView>;
  volumeAttachments: Informer<AttachmentView>;
  csiDrivers: Informer<CsiDriverView>;
  csiStorageCapacities: Informer<CsiCapacityView>;
  resourceQuotas: Informer<QuotaView>;
  flowSchemas: Informer<FlowSchemaView>;
  priorityLevelConfigurations: Informer;
  clusterRoles: Informer<ClusterRoleView>;
  persistentVolumeClaims: Informer<ClaimView>;
  persistentVolumes: Informer<VolumeView>;
  volumeAttributesClasses: Informer;
  customResourceDefinitions: Informer<DefinitionView>;
  certificateSigningRequests: Informer<SigningRequestView>;
  /** All of them, those above included, by group-resource ("pods", "deployments.apps"). */
  all: ReadonlyMap<string, Informer>;
}

/** Index of pods by the node they are bound to; "" is none. */
export const BY_NODE = "node";
/** Index of pods and ReplicaSets that no controller manages, by namespace. */
export const ORPHANS = "orphans";
/** Index of slices by "namespace/service". */
export const BY_SERVICE = "service";
/** Index of definitions by their group. */
export const BY_GROUP = "group";
/** Index of Secrets with a token by "namespace/service account". */
export const BY_ACCOUNT = "account";
/** Index of FlowSchemas by their priority level. */
export const BY_LEVEL = "level";

/** Index of pods by "namespace/claim" that they mount. */
export const BY_CLAIM = "claim";
/** Index of claims and volumes by VolumeAttributesClasses that they name. */
export const BY_ATTRIBUTES_CLASS = "attributesClass";

/** Index of ClusterRoles that are made of others, all by "". */
export const AGGREGATED = "aggregated";

/** `resources`: everything the API serves. Events are left out: nobody owns them and they pass by themselves. */
export function createStores(deps: { client: Client; platform: Platform; resources: readonly ResourceRef[] }): Stores {
  const all = new Map<string, Informer>();
  const informer = <T extends View>(
    ref: ResourceRef,
    project: (object: KubeObject) => T,
    indices: Indices<T> = {},
  ): Informer<T> => {
    const made = createInformer<T>({ ref, project, indices, client: deps.client, platform: deps.platform });
    all.set(groupResource(ref.group, ref.resource), made);
    return made;
  };
  const stores: Stores = {
    pods: informer(pods, createPodViews(), {
      [BY_NODE]: ({ nodeName }) => [nodeName],
      [ORPHANS]: orphanOf,
      [BY_CLAIM]: claimsOf,
    }),
    nodes: informer(nodes, createNodeViews()),
    services: informer(services, serviceView),
    endpointSlices: informer(endpointSlices, endpointSliceView, { [BY_SERVICE]: serviceOf }),
    deployments: informer(deployments, deploymentView),
    replicaSets: informer(replicaSets, replicaSetView, { [ORPHANS]: orphanOf }),
    namespaces: informer(namespaces, namespaceView),
    serviceAccounts: informer(serviceAccounts, metadataOnly),
    secrets: informer(secrets, secretView, { [BY_ACCOUNT]: accountOf }),
    configMaps: informer(configMaps, configMapView),
    statefulSets: informer(statefulSets, scaleView),
    replicationControllers: informer(replicationControllers, replicationControllerView),
    podDisruptionBudgets: informer(podDisruptionBudgets, budgetView),
    storageClasses: informer(storageClasses, storageClassView),
    csiNodes: informer(csiNodes, csiNodeView),
    volumeAttachments: informer(volumeAttachments, attachmentView),
    csiDrivers: informer(csiDrivers, csiDriverView),
    csiStorageCapacities: informer(csiStorageCapacities, csiCapacityView),
    resourceQuotas: informer(resourceQuotas, quotaView),
    flowSchemas: informer(flowSchemas, flowSchemaView, { [BY_LEVEL]: ({ level }) => [level] }),
    priorityLevelConfigurations: informer(priorityLevelConfigurations, metadataOnly),
    clusterRoles: informer(clusterRoles, clusterRoleView, {
      [AGGREGATED]: ({ aggregationRule }) => (aggregationRule ? [""] : []),
    }),
    customResourceDefinitions: informer(customResourceDefinitions, definitionView, {
      [BY_GROUP]: ({ group }) => [group],
    }),
    certificateSigningRequests: informer(certificateSigningRequests, signingRequestView),
    persistentVolumeClaims: informer(persistentVolumeClaims, claimView, {
      [BY_ATTRIBUTES_CLASS]: ({ attributesClasses }) => attributesClasses,
    }),
    persistentVolumes: informer(persistentVolumes, volumeView, {
      [BY_ATTRIBUTES_CLASS]: ({ attributesClasses }) => attributesClasses,
    }),
    volumeAttributesClasses: informer(volumeAttributesClasses, ownershipOnly),
    all,
  };
  for (const ref of deps.resources) {
    if (ref.resource === events.resource) continue;
    if (!all.has(groupResource(ref.group, ref.resource))) informer(ref, ownershipOnly);
  }
  return stores;
}

/** "namespace/name" of the claims that a pod mounts. */
export function claimsOf({ metadata, claims }: PodView): string[] {
  return claims?.map(({ name }) => `${metadata.namespace}/${name}`) ?? [];
}

function orphanOf(view: View): string[] {
  return controllerOfView(view) ? [] : [view.metadata.namespace];
}

function accountOf({ metadata, account }: SecretView): string[] {
  return account ? [`${metadata.namespace}/${account.name}`] : [];
}

export function serviceOf({ metadata }: View): string[] {
  const name = metadata.labels[SERVICE_NAME_LABEL];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}
