/**
 * DenyServiceExternalIPs: who may make a Service must not thereby catch traffic to any address (CVE-2020-8554). What a Service has it
 * may keep (plugin/pkg/admission/network/denyserviceexternalips).
 */
import type { Service } from "../kinds/core/services/types.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { refused } from "./refusal.ts";

export function createDenyServiceExternalIps(): AdmissionPlugin {
  return {
    name: "DenyServiceExternalIPs",
    validate(attributes) {
      const { group, resource, subresource, operation, object, oldObject } = attributes;
      if (group !== "" || resource !== "services" || subresource !== "") return;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      const before = (oldObject as Service | undefined)?.spec.externalIPs ?? [];
      const after = (object as Service).spec.externalIPs ?? [];
      if (after.every((ip) => before.includes(ip))) return;
      throw refused(attributes, "Use of external IPs is denied by admission control.");
    },
  };
}
