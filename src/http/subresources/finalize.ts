/** PUT namespaces/{name}/finalize: the only way to change `spec.finalizers`, and so to let a namespace go. */
import type { KubeObject } from "../../machinery/meta.ts";
import { qualifiedNameFaults } from "../../machinery/names.ts";
import { fieldError, invalid, type FieldError } from "../../machinery/status-error.ts";
import { writeContext, type Exchange, type Services } from "../exchange.ts";
import { formOfRequest, respondWritten } from "../respond-object.ts";
import { checkName, target } from "../write.ts";

interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
}

export async function handleFinalize(services: Services, exchange: Exchange): Promise<Response> {
  const form = formOfRequest(exchange);
  const wanted = (await services.bodies.object(exchange)) as Namespace;
  checkName(exchange, wanted);
  const finalizers = wanted.spec?.finalizers ?? [];
  const errors = finalizers.flatMap((finalizer, index) => nameErrors(finalizer, `spec.finalizers[${index}]`));
  if (errors.length > 0) throw invalid({ group: "", kind: "Namespace" }, exchange.info.name, errors);
  const { resourceVersion, uid } = wanted.metadata;
  const result = await services.registry.update({
    ...target(exchange),
    scope: "whole",
    subresource: "finalize",
    isPatch: false,
    produce: (old) => {
      const next = old as Namespace;
      next.spec = { ...next.spec, finalizers };
      if (uid !== undefined) next.metadata.uid = uid;
      if (resourceVersion === undefined) delete next.metadata.resourceVersion;
      else next.metadata.resourceVersion = resourceVersion;
      return next;
    },
    context: writeContext(exchange),
  });
  return respondWritten(services, exchange, { result, form, status: 200 });
}

const STANDARD: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** validateFinalizerName of pkg/apis/core/validation. */
function nameErrors(finalizer: string, field: string): FieldError[] {
  const errors = qualifiedNameFaults(finalizer).map((fault) => fieldError.invalid(field, finalizer, fault));
  if (finalizer.includes("/") || STANDARD.has(finalizer) || errors.length > 0) return errors;
  const why = "name is neither a standard finalizer name nor is it fully qualified";
  return [fieldError.invalid(field, finalizer, why)];
}
