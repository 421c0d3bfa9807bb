/** POST pods/{name}/eviction: a delete that disruption budgets may forbid (there are none yet, so it always deletes). */
import type { KubeObject } from "../../machinery/meta.ts";
import type { DeleteOptions } from "../../registry/deletion.ts";
import { addDryRun, writeContext, type Exchange, type Services } from "../exchange.ts";
import { negotiate } from "../negotiate.ts";
import { successStatus } from "../respond-error.ts";
import { respondObject } from "../respond-object.ts";
import { target } from "../write.ts";

interface Eviction extends KubeObject {
  deleteOptions?: DeleteOptions & { dryRun?: string[] };
}

const EVICTION = { group: "policy", version: "v1", kind: "Eviction", schema: "io.k8s.api.policy.v1.Eviction" };

export async function handleEviction(services: Services, exchange: Exchange): Promise<Response> {
  const form = negotiate(exchange.request.headers.get("accept"));
  const { deleteOptions = {} } = (await services.bodies.typed(exchange, EVICTION)) as Eviction;
  const { dryRun = [], ...options } = deleteOptions;
  addDryRun(exchange, dryRun);
  await services.registry.delete({ ...target(exchange), options, context: writeContext(exchange) });
  return respondObject(exchange, { form, value: successStatus(undefined), status: 201 });
}
