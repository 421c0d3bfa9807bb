import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import type { Ingress } from "../types.ts";
import { classErrors, validateIngress, validateIngressUpdate } from "./validation.ts";

const HOSTS_MAX = 3;

export const ingressKind = defineKind<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  namespaced: true,
  schema: "io.k8s.api.networking.v1.Ingress",
  shortNames: ["ing"],
  columns: [
    nameColumn,
    text("Class", "The class of controllers it is for.", ({ spec }) => spec.ingressClassName ?? "<none>"),
    text("Hosts", "Names that requests come for.", hostsCell),
    text("Address", "Where requests come to.", addressCell),
    text("Ports", "Which ports are open.", ({ spec }) => (spec.tls?.length ? "80, 443" : "80")),
    ageColumn,
  ],
  subresources: [statusSubresource],
  strategy: {
    prepareForCreate(ingress) {
      ingress.status = {};
    },
    validate: validateIngress,
    validateCreate: classErrors,
    validateUpdate: validateIngressUpdate,
  },
});

function hostsCell({ spec: { rules = [] } }: Ingress): string {
  const shown: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (shown.length === HOSTS_MAX) more = true;
    else if (host) shown.push(host);
  }
  if (shown.length === 0) return "*";
  return more ? `${shown.join(",")} + ${rules.length - HOSTS_MAX} more...` : shown.join(",");
}

function addressCell({ status }: Ingress): string {
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  return [...new Set(addresses)].toSorted().join(",");
}
