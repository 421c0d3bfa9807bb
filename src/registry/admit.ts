/** Mutating admission, and what it must leave alone. */
import type { AdmissionAttributes } from "../admission/admission.ts";
import { FieldsV1Error } from "../machinery/apply/path-element.ts";
import { sentManagers } from "../machinery/apply/managers.ts";
import type { KubeObject, ManagedFieldsEntry } from "../machinery/meta.ts";
import type { RegistryDeps } from "./context.ts";

export function setManagedFields(object: KubeObject, entries: ManagedFieldsEntry[] | undefined): void {
  if (entries) object.metadata.managedFields = entries;
  else delete object.metadata.managedFields;
}

/** A plugin that breaks managedFields gets them put back, and the client a warning: endpoints/handlers/fieldmanager/admission.go. */
export async function mutate(deps: Pick<RegistryDeps, "admission">, attributes: AdmissionAttributes): Promise<void> {
  const before = attributes.object?.metadata.managedFields;
  await deps.admission.mutate(attributes);
  const after = attributes.object?.metadata.managedFields;
  if (!attributes.object || after === before || after === undefined) return;
  try {
    sentManagers(after);
  } catch (error) {
    if (!(error instanceof FieldsV1Error)) throw error;
    setManagedFields(attributes.object, before);
    attributes.warn(
      `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${error.message}`,
    );
  }
}
