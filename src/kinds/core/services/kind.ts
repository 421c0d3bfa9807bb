import { formatLabels } from "../../../machinery/selectors.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { statusSubresource } from "../../subresources.ts";
import { proxySubresource } from "../proxy-subresource.ts";
import { ipAddressChanges } from "./addresses.ts";
import { allocateService } from "./allocation.ts";
import { carryOver } from "./carry-over.ts";
import { defaultService } from "./defaults.ts";
import { nodePortFields } from "./node-ports.ts";
import type { Service, ServicePort } from "./types.ts";
import { validateService, validateServiceUpdate } from "./validation.ts";
import { serviceWarnings } from "./warnings.ts";

export const serviceKind = defineKind<Service>({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Service",
  answersDeleted: true,
  shortNames: ["svc"],
  categories: ["all"],
  nameRule: "dns-1035-label",
  columns: [
    nameColumn,
    { name: "Type", type: "string", description: "How the service is reached.", value: ({ spec }) => spec.type ?? "" },
    {
      name: "Cluster-IP",
      type: "string",
      description: "The service's address inside the cluster.",
      value: ({ spec }) => spec.clusterIP || "<none>",
    },
    { name: "External-IP", type: "string", description: "Addresses from outside.", value: externalIps },
    {
      name: "Port(s)",
      type: "string",
      description: "The ports of the service.",
      value: ({ spec }) => (spec.ports?.length ? spec.ports.map(portText).join(",") : "<none>"),
    },
    ageColumn,
    {
      name: "Selector",
      type: "string",
      priority: 1,
      description: "Which pods serve it.",
      value: ({ spec }) => formatLabels(spec.selector) || "<none>",
    },
  ],
  subresources: [statusSubresource, proxySubresource("ServiceProxyOptions")],
  strategy: {
    countsGenerations: false,
    default: defaultService,
    prepareForCreate(service) {
      service.status = { loadBalancer: {} };
    },
    prepareForUpdate(service, old, { subresource }) {
      if (subresource !== "status") carryOver(service, old);
    },
    allocate: allocateService,
    companions: ipAddressChanges,
    allowCreateOnUpdate: true,
    warnings: serviceWarnings,
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    fields: ({ spec }) => ({
      "spec.clusterIP": spec.clusterIP ?? "",
      "spec.type": spec.type ?? "",
      ...nodePortFields(spec),
    }),
  },
});

function portText({ port, nodePort, protocol }: ServicePort): string {
  return `${port}${nodePort ? `:${nodePort}` : ""}/${protocol ?? "TCP"}`;
}

function externalIps({ spec, status }: Service): string {
  const own = spec.externalIPs ?? [];
  switch (spec.type) {
    case "LoadBalancer": {
      const given = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
      const all = [...new Set(given.filter(Boolean))].toSorted().concat(own);
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return own.length > 0 ? own.join(",") : "<none>";
  }
}
