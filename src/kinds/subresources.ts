/** Subresources that several kinds have. */
import type { ScalePaths, SubresourceDefinition } from "../registry/kind.ts";

export const statusSubresource: SubresourceDefinition = { name: "status", verbs: ["get", "patch", "update"] };

export const scaleSubresource: SubresourceDefinition = {
  name: "scale",
  body: { group: "autoscaling", version: "v1", kind: "Scale" },
  verbs: ["get", "patch", "update"],
};

/** Where workloads keep what the scale subresource shows. */
export const workloadScale: ScalePaths = {
  replicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
  selector: ["spec", "selector"],
};
