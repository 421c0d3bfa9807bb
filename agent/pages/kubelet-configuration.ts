/** /configz: of KubeletConfiguration (kubelet.config.k8s.io/v1beta1) the fields that say something true of this agent. */
export function kubeletConfiguration(of: {
  clusterDomain: string;
  clusterDns: string | undefined;
  podsMax: number;
  pullsMax: number;
  nodeStatusSeconds: number;
}): Record<string, unknown> {
  return {
    // It listens nowhere: everything comes through the control plane.
    enableServer: false,
    readOnlyPort: 0,
    enableDebuggingHandlers: true,
    enableSystemLogHandler: true,
    enableSystemLogQuery: false,
    authentication: { anonymous: { enabled: false } },
    authorization: { mode: "Webhook" },
    clusterDomain: of.clusterDomain,
    clusterDNS: of.clusterDns === undefined ? [] : [of.clusterDns],
    registerNode: true,
    nodeStatusUpdateFrequency: `${of.nodeStatusSeconds}s`,
    maxPods: of.podsMax,
    serializeImagePulls: of.pullsMax === 1,
    maxParallelImagePulls: of.pullsMax,
    resolvConf: "/etc/resolv.conf",
    staticPodPath: "",
    failSwapOn: false,
    kind: "KubeletConfiguration",
    apiVersion: "kubelet.config.k8s.io/v1beta1",
  };
}
