/** The plugins of the default profile, in their order and with their weights (pkg/scheduler/apis/config/v1, v1.36). */
import type { Plugin, Profile } from "../framework.ts";
import { dynamicResources } from "./dynamic-resources.ts";
import { imageLocality } from "./image-locality.ts";
import { createInterPodAffinity } from "./inter-pod-affinity.ts";
import { createNodeAffinity } from "./node-affinity.ts";
import { nodeName } from "./node-name.ts";
import { nodePorts } from "./node-ports.ts";
import { createNodeResourcesBalancedAllocation } from "./node-resources-balanced-allocation.ts";
import { createNodeResourcesFit } from "./node-resources-fit.ts";
import { nodeUnschedulable } from "./node-unschedulable.ts";
import { nodeVolumeLimits } from "./node-volume-limits.ts";
import { createPodTopologySpread } from "./pod-topology-spread.ts";
import { taintToleration } from "./taint-toleration.ts";
import { volumeBinding } from "./volume-binding.ts";
import { volumeRestrictions } from "./volume-restrictions.ts";
import { volumeZone } from "./volume-zone.ts";

export const DEFAULT_SCHEDULER = "default-scheduler";

/** `replace`: plugins of the same name take the place of the default ones. */
export function createProfile({
  schedulerName = DEFAULT_SCHEDULER,
  replace = [],
  percentageOfNodesToScore = 0,
}: { schedulerName?: string; replace?: readonly Plugin[]; percentageOfNodesToScore?: number } = {}): Profile {
  const weighted: [plugin: Plugin, weight: number][] = [
    [nodeUnschedulable, 0],
    [nodeName, 0],
    [taintToleration, 3],
    [createNodeAffinity(), 2],
    [dynamicResources, 0],
    [nodePorts, 0],
    [createNodeResourcesFit(), 1],
    [volumeRestrictions, 0],
    [nodeVolumeLimits, 0],
    [volumeBinding, 0],
    [volumeZone, 0],
    [createPodTopologySpread(), 2],
    [createInterPodAffinity(), 2],
    [createNodeResourcesBalancedAllocation(), 1],
    [imageLocality, 1],
  ];
  const plugins = weighted.map(([plugin, weight]) => ({
    plugin: replace.find(({ name }) => name === plugin.name) ?? plugin,
    weight,
  }));
  return { schedulerName, plugins, percentageOfNodesToScore };
}
