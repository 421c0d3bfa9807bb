import { dnsSubdomainFaults, pathSegmentFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import type { IpAddress } from "../types.ts";

export const ipAddressKind = defineKind<IpAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  namespaced: false,
  schema: "io.k8s.api.networking.v1.IPAddress",
  shortNames: ["ip"],
  nameRule: "ip-address",
  columns: [nameColumn, text("ParentRef", "Who has the address.", parentCell)],
  strategy: {
    countsGenerations: false,
    validate: validateAddress,
    validateUpdate: (now, old) => immutableErrors(now.spec.parentRef, old.spec.parentRef, "spec.parentRef"),
  },
});

function parentCell({ spec: { parentRef } }: IpAddress): string {
  if (!parentRef) return "<none>";
  const { group = "", resource = "", namespace = "", name = "" } = parentRef;
  const kind = group === "" ? resource : `${resource}.${group}`;
  return [kind.toLowerCase(), ...(namespace === "" ? [] : [namespace]), name].join("/");
}

/** pkg/apis/networking/validation of Kubernetes. */
function validateAddress({ spec: { parentRef } }: IpAddress): FieldError[] {
  const field = "spec.parentRef";
  if (!parentRef) return [fieldError.required(field)];
  const { group, resource, name, namespace } = parentRef;
  const errors = group ? invalidFor(`${field}.group`, group, dnsSubdomainFaults(group)) : [];
  for (const [member, value] of Object.entries({ resource, name })) {
    if (value) errors.push(...invalidFor(`${field}.${member}`, value, pathSegmentFaults(value)));
    else errors.push(fieldError.required(`${field}.${member}`));
  }
  return namespace ? [...errors, ...invalidFor(`${field}.namespace`, namespace, pathSegmentFaults(namespace))] : errors;
}
