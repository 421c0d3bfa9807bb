/** PUT namespaces/{name}/finalize: the only way to change `spec.finalizers`, and so to let a namespace go. */
import type { KubeObject } from "../../machinery/meta.ts";
import { writeContext, type Exchange, type Services } from "../exchange.ts";
import { formOfRequest, respondWritten } from "../respond-object.ts";
import { target } from "../write.ts";

interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
}

export async function handleFinalize(services: Services, exchange: Exchange): Promise<Response> {
  const form = formOfRequest(exchange);
  const wanted = (await services.bodies.object(exchange)) as Namespace;
  const { resourceVersion, uid } = wanted.metadata;
  const result = await services.registry.update({
    ...target(exchange),
    scope: "whole",
    subresource: "finalize",
    isPatch: false,
    produce: (old) => {
      const next = old as Namespace;
      next.spec = { ...next.spec, finalizers: wanted.spec?.finalizers ?? [] };
      if (uid !== undefined) next.metadata.uid = uid;
      if (resourceVersion === undefined) delete next.metadata.resourceVersion;
      else next.metadata.resourceVersion = resourceVersion;
      return next;
    },
    context: writeContext(exchange),
  });
  return respondWritten(services, exchange, { result, form, status: 200 });
}
