import { defineKind } from "../../../registry/kind.ts";
import { proxySubresource } from "../proxy-subresource.ts";
import { completions, podColumns } from "./columns.ts";
import { podStrategy } from "./strategy.ts";
import type { Pod } from "./types.ts";

export const podKind = defineKind<Pod>({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Pod",
  answersDeleted: true,
  shortNames: ["po"],
  categories: ["all"],
  columns: podColumns,
  rowConditions: ({ status }) => completions[status?.phase ?? ""],
  subresources: [
    { name: "status", verbs: ["get", "patch", "update"] },
    { name: "ephemeralcontainers", verbs: ["get", "patch", "update"] },
    { name: "resize", verbs: ["get", "patch", "update"] },
    { name: "binding", body: { group: "", version: "v1", kind: "Binding" }, verbs: ["create"] },
    { name: "eviction", body: { group: "policy", version: "v1", kind: "Eviction" }, verbs: ["create"] },
    { name: "log", verbs: ["get"] },
    { name: "exec", body: { group: "", version: "v1", kind: "PodExecOptions" }, verbs: ["create", "get"] },
    { name: "attach", body: { group: "", version: "v1", kind: "PodAttachOptions" }, verbs: ["create", "get"] },
    {
      name: "portforward",
      body: { group: "", version: "v1", kind: "PodPortForwardOptions" },
      verbs: ["create", "get"],
    },
    proxySubresource("PodProxyOptions"),
  ],
  strategy: podStrategy,
});
