/**
 * A status of every kind that has one, as its controller would write it. What stands in `changed` of an object may not come through the
 * status subresource.
 */

const T = "2026-01-01T00:00:00Z";
const condition = (type: string, status = "True") => ({
  type,
  status,
  reason: "Tried",
  message: "so it is",
  lastTransitionTime: T,
});

/** By "group/plural" ("/pods"). */
export const statuses: Readonly<Record<string, object>> = {
  "/namespaces": { phase: "Active", conditions: [condition("NamespaceContentRemaining", "False")] },
  "/nodes": { conditions: [{ ...condition("Ready"), lastHeartbeatTime: T }], capacity: { cpu: "4", pods: "110" } },
  "/persistentvolumeclaims": { phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "8Gi" } },
  "/persistentvolumes": { phase: "Released", message: "let go", reason: "Tried" },
  "/pods": { phase: "Running", podIP: "10.1.2.3", podIPs: [{ ip: "10.1.2.3" }], conditions: [condition("Ready")] },
  "/replicationcontrollers": { replicas: 1, readyReplicas: 1, observedGeneration: 1 },
  "/resourcequotas": { hard: { pods: "4" }, used: { pods: "1" } },
  "/services": { loadBalancer: {}, conditions: [condition("example.org/Announced")] },
  "apps/daemonsets": { currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 1, numberReady: 1 },
  "apps/deployments": { replicas: 1, updatedReplicas: 1, conditions: [condition("Progressing")] },
  "apps/replicasets": { replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1 },
  "apps/statefulsets": { replicas: 1, currentRevision: "web-1", updateRevision: "web-2", collisionCount: 0 },
  "batch/cronjobs": { lastScheduleTime: T, active: [{ kind: "Job", name: "nightly-1", namespace: "default" }] },
  "batch/jobs": { active: 1, startTime: T, ready: 0 },
  "autoscaling/horizontalpodautoscalers": { currentReplicas: 1, desiredReplicas: 2, lastScaleTime: T },
  "networking.k8s.io/ingresses": { loadBalancer: { ingress: [{ hostname: "lb.example.org" }] } },
  "networking.k8s.io/servicecidrs": { conditions: [condition("Ready")] },
  "policy/poddisruptionbudgets": {
    disruptionsAllowed: 1,
    currentHealthy: 3,
    desiredHealthy: 2,
    expectedPods: 3,
    conditions: [condition("DisruptionAllowed")],
  },
  "storage.k8s.io/volumeattachments": { attached: true, attachmentMetadata: { device: "vdb" } },
  "admissionregistration.k8s.io/validatingadmissionpolicies": {
    observedGeneration: 1,
    conditions: [condition("Ready")],
  },
  "apiextensions.k8s.io/customresourcedefinitions": {
    storedVersions: ["v1"],
    acceptedNames: { plural: "", kind: "" },
    conditions: [condition("Tried")],
  },
  "apiregistration.k8s.io/apiservices": { conditions: [condition("Available", "False")] },
  "certificates.k8s.io/certificatesigningrequests": { conditions: [{ ...condition("Failed"), lastUpdateTime: T }] },
  "flowcontrol.apiserver.k8s.io/flowschemas": { conditions: [condition("Dangling", "False")] },
  "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations": { conditions: [condition("Tried")] },
  "resource.k8s.io/resourceclaims": { allocation: {}, reservedFor: [{ resource: "pods", name: "p", uid: "u-1" }] },
};
