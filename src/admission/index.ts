/** The admission plugins of the API, in the order of kube-apiserver. */
import type { Clock, Random, Timers } from "../platform/platform.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { createAlwaysPullImages } from "./always-pull-images.ts";
import { createAntiAffinityTopology } from "./anti-affinity-topology.ts";
import { createCertificatePlugins, type MayUseSigner } from "./certificates.ts";
import { createClaimResize } from "./claim-resize.ts";
import { createDefaultIngressClass, type IngressClassDeps } from "./default-ingress-class.ts";
import { createDefaultStorageClass, type StorageClassDeps } from "./default-storage-class.ts";
import { createDefaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { createDeviceAdminAccess } from "./device-admin-access.ts";
import { createExtendedResourceToleration } from "./extended-resource-toleration.ts";
import { createLimitRanger } from "./limit-ranger.ts";
import { createNamespaceLifecycle } from "./namespace-lifecycle.ts";
import { createNamespaceRules, type ReadMany } from "./namespace-rules.ts";
import { createNodeRestriction } from "./node-restriction.ts";
import { createOwnerReferences, type MayDo, type OwnerReferencesDeps } from "./owner-references.ts";
import { isPluginOn, type PluginChoice } from "./plugin-choice.ts";
import { createPodNodeSelector } from "./pod-node-selector.ts";
import type { ListPods } from "./pod-security/existing-pods.ts";
import { createPodSecurity, type PodSecurityConfiguration } from "./pod-security/plugin.ts";
import { createPodTopologyLabels } from "./pod-topology-labels.ts";
import { createPodResize } from "./pod-resize.ts";
import { createPodTolerationRestriction } from "./pod-toleration-restriction.ts";
import { createPriority, type PriorityDeps } from "./priority.ts";
import { createResourceQuota, type LimitedResource } from "./resource-quota.ts";
import { createRoleEscalation, type MayGrant } from "./role-escalation.ts";
import { createRuntimeClass } from "./runtime-class.ts";
import { createServiceAccountPlugin, type Lookup } from "./service-account.ts";
import { createDenyServiceExternalIps } from "./service-external-ips.ts";
import { createStorageObjectInUse } from "./storage-object-in-use.ts";
import { createTaintNodesByCondition } from "./taint-nodes-by-condition.ts";

export interface AdmissionDeps {
  lookup: Lookup;
  readMany: ReadMany;
  listClasses: PriorityDeps["listClasses"];
  listStorageClasses: StorageClassDeps["listStorageClasses"];
  listIngressClasses: IngressClassDeps["listIngressClasses"];
  mayUseSigner: MayUseSigner;
  mayGrant: MayGrant;
  mayDo: MayDo;
  findKind: OwnerReferencesDeps["findKind"];
  listPods: ListPods;
  cluster: {
    notReadyTolerationSeconds: number;
    podSecurity?: PodSecurityConfiguration;
    plugins?: PluginChoice;
    limitedResources?: readonly LimitedResource[];
  };
  random: Random;
  clock: Clock;
  /** See ServiceAccountDeps. */
  timers?: Timers;
}

/** All plugins as one: each takes its turn, the first that refuses ends the request. */
export interface Admission {
  plugins: readonly AdmissionPlugin[];
  mutate(attributes: AdmissionAttributes): Promise<void>;
  validate(attributes: AdmissionAttributes): Promise<void>;
}

export function createAdmission(deps: AdmissionDeps): Admission {
  const { lookup, readMany, listClasses, listStorageClasses, listIngressClasses, listPods } = deps;
  const { mayUseSigner, mayGrant, mayDo, findKind } = deps;
  const { cluster, random, clock, timers } = deps;
  const rules = createNamespaceRules({ readMany, lookup, clock });
  const plugins = [
    createNamespaceLifecycle(),
    createAntiAffinityTopology(),
    createLimitRanger({ rules }),
    createServiceAccountPlugin({ lookup: rules.lookup, random, ...(timers ? { timers } : {}) }),
    createNodeRestriction({ lookup }),
    createTaintNodesByCondition(),
    createAlwaysPullImages(),
    createPodSecurity({ rules, listPods, configuration: cluster.podSecurity ?? {} }),
    createPodNodeSelector({ rules }),
    createPriority({ lookup, listClasses, clock }),
    createDefaultTolerationSeconds({ seconds: cluster.notReadyTolerationSeconds }),
    createPodTolerationRestriction({ rules }),
    createExtendedResourceToleration(),
    createDefaultStorageClass({ listStorageClasses, clock }),
    createStorageObjectInUse(),
    createOwnerReferences({ mayDo, findKind }),
    createClaimResize({ lookup }),
    createRuntimeClass({ lookup }),
    ...createCertificatePlugins({ mayUseSigner }),
    createDefaultIngressClass({ listIngressClasses, clock }),
    createDenyServiceExternalIps(),
    createPodTopologyLabels({ lookup }),
    createPodResize({ lookup }),
    createRoleEscalation({ mayGrant }),
    createDeviceAdminAccess({ rules }),
    createResourceQuota({ rules, clock, limitedResources: cluster.limitedResources ?? [] }),
  ];
  const choice = cluster.plugins ?? AS_BY_DEFAULT;
  return chainOf(plugins.filter(({ name }) => isPluginOn(name, choice)));
}

const AS_BY_DEFAULT: PluginChoice = { enable: [], disable: [] };

export function chainOf(plugins: readonly AdmissionPlugin[]): Admission {
  const mutating = plugins.filter((plugin) => "mutate" in plugin);
  const validating = plugins.filter((plugin) => "validate" in plugin);
  return {
    plugins,
    async mutate(attributes) {
      for (const plugin of mutating) {
        const pending = plugin.mutate?.(attributes);
        if (pending) await pending;
      }
    },
    async validate(attributes) {
      for (const plugin of validating) {
        const pending = plugin.validate?.(attributes);
        if (pending) await pending;
      }
    },
  };
}
