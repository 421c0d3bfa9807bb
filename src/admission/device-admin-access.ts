/**
 * Devices that others use may be reached by claims of namespaces alone that are marked for it (pkg/registry/resource/utils.go of
 * Kubernetes, which asks in the strategies of claims and their templates; here admission reads namespaces).
 */
import type {
  DeviceRequest,
  ResourceClaim,
  ResourceClaimSpec,
  ResourceClaimTemplate,
} from "../kinds/resource/types.ts";
import { fieldError, invalid } from "../machinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import type { NamespaceRulesReader } from "./namespace-rules.ts";

const LABEL = "resource.kubernetes.io/admin-access";
const WHY = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`;

export function createDeviceAdminAccess({ rules }: { rules: Pick<NamespaceRulesReader, "of"> }): AdmissionPlugin {
  return {
    name: "DeviceAdminAccess",
    async validate(attributes) {
      const field = fieldOf(attributes);
      if (field === undefined) return;
      const { namespace } = await rules.of(attributes);
      if (namespace?.metadata.labels?.[LABEL] === "true") return;
      const { group, kind, name, object } = attributes;
      throw invalid({ group, kind }, name || (object?.metadata.name ?? ""), [fieldError.forbidden(field, WHY)]);
    },
  };
}

/** Where the first such access is asked for or given that was not before. */
function fieldOf({ group, resource, subresource, operation, object, oldObject }: AdmissionAttributes) {
  if (group !== "resource.k8s.io") return undefined;
  if (operation === "CREATE" && subresource === "") {
    if (resource === "resourceclaims") return requested((object as ResourceClaim).spec);
    // Kubernetes names the path in the claim for both.
    if (resource === "resourceclaimtemplates") return requested((object as ResourceClaimTemplate).spec.spec);
  }
  if (operation !== "UPDATE" || resource !== "resourceclaims" || subresource !== "status") return undefined;
  return given(oldObject as ResourceClaim) < 0 ? grantedField(object as ResourceClaim) : undefined;
}

function requested({ devices }: ResourceClaimSpec): string | undefined {
  const index = (devices?.requests ?? []).findIndex((one: DeviceRequest) => one.exactly?.adminAccess === true);
  return index < 0 ? undefined : `spec.devices.requests[${index}].adminAccess`;
}

function given({ status }: ResourceClaim): number {
  return (status?.allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess === true);
}

function grantedField(claim: ResourceClaim): string | undefined {
  const index = given(claim);
  return index < 0 ? undefined : `status.allocation.devices.results[${index}].adminAccess`;
}
