/** {kind}/{name}/scale: replicas of anything that has them, as autoscaling/v1 Scale. */
import type { KubeObject } from "../../machinery/meta.ts";
import { formatLabelSelector } from "../../machinery/selectors.ts";
import { fieldError, invalid } from "../../machinery/status-error.ts";
import { decodeStored } from "../../registry/stored-form.ts";
import type { Written } from "../../registry/context.ts";
import { ageColumn, nameColumn, type ScalePaths } from "../../registry/kind.ts";
import { readConfiguration } from "../configuration.ts";
import { writeContext, type Exchange, type Services } from "../exchange.ts";
import type { Form } from "../negotiate.ts";
import { pageNotFound } from "../paths.ts";
import { patchKindOf, readPatch, type PatchKind } from "../patch.ts";
import { formOfRequest, respondObject, shaped } from "../respond-object.ts";
import type { Tabled } from "../table.ts";
import { checkName, checkNamespace, target } from "../write.ts";

interface Scale extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

const SCALE = { group: "autoscaling", version: "v1", kind: "Scale", schema: "io.k8s.api.autoscaling.v1.Scale" };

export async function handleScale(services: Services, exchange: Exchange): Promise<Response> {
  const { resource, info } = exchange;
  const form = formOfRequest(exchange);
  const paths = resource.kind.scale;
  if (!paths) throw pageNotFound();
  if (info.verb === "get") {
    const object = decodeStored(resource, await services.registry.get(target(exchange)));
    return respondScale(services, exchange, { form, scale: scaleOf(object, paths) });
  }
  const kind = info.verb === "patch" ? patchKindOf(exchange) : "replace";
  const result =
    kind === "apply" ? await apply(services, exchange, paths) : await update(services, exchange, { kind, paths });
  return respondScale(services, exchange, { form, scale: scaleOf(result.read(), paths) });
}

/** What `kubectl get --subresource=scale` prints. */
const TABLED: Tabled = {
  kind: {
    columns: [
      { name: "Name", type: "string", description: nameColumn.description, value: (obj) => obj.metadata.name ?? "" },
      {
        name: "Desired",
        type: "integer",
        description: "How many are wanted.",
        value: ({ spec }: Scale) => spec?.replicas ?? 0,
      },
      {
        name: "Available",
        type: "integer",
        description: "How many there are.",
        value: ({ status }: Scale) => status?.replicas ?? 0,
      },
      ageColumn,
    ],
  },
};

function respondScale(services: Services, exchange: Exchange, { form, scale }: { form: Form; scale: Scale }): Response {
  return respondObject(exchange, { form, value: shaped(services, { ...exchange, tabled: TABLED }, scale, form) });
}

async function update(
  services: Services,
  exchange: Exchange,
  { kind, paths }: { kind: PatchKind | "replace"; paths: ScalePaths },
): Promise<Written> {
  const wanted = await wantedScale(services, exchange, kind);
  return await services.registry.update({
    ...target(exchange),
    scope: "object",
    subresource: "scale",
    isPatch: kind !== "replace",
    produce: (old) => scaled(old, wanted(scaleOf(old, paths)), paths),
    context: writeContext(exchange),
  });
}

async function apply(services: Services, exchange: Exchange, paths: ScalePaths): Promise<Written> {
  const context = writeContext(exchange);
  const configuration = await readConfiguration(services, exchange);
  return await services.registry.applyScale({
    ...target(exchange),
    config: configuration.value,
    force: configuration.force,
    type: SCALE,
    scaleOf: (object) => scaleOf(object, paths),
    rescale: (object, scale) => scaled(object, scale, paths),
    decode(merged) {
      const scale: Scale = configuration.decode(merged, SCALE);
      checkName(exchange, scale);
      checkNamespace(exchange, scale);
      return checked(scale, exchange.info.name);
    },
    context,
  });
}

async function wantedScale(
  services: Services,
  exchange: Exchange,
  kind: PatchKind | "replace",
): Promise<(current: Scale) => Scale> {
  const { name } = exchange.info;
  if (kind !== "replace") {
    const patched = await readPatch(services, exchange, { kind, type: SCALE });
    return (current) => checked(patched(current), name);
  }
  const scale = (await services.bodies.typed(exchange, SCALE)) as Scale;
  checkNamespace(exchange, scale);
  return () => checked(scale, name);
}

function checked(scale: Scale, name: string): Scale {
  const replicas = scale.spec?.replicas ?? 0;
  if (Number.isInteger(replicas) && replicas >= 0) return scale;
  const error = fieldError.invalid("spec.replicas", replicas, "must be greater than or equal to 0");
  throw invalid({ group: "autoscaling", kind: "Scale" }, name, [error]);
}

/** Changes `object`, which is the caller's own copy. */
function scaled(object: KubeObject, scale: Scale, paths: ScalePaths): KubeObject {
  const { resourceVersion, uid } = scale.metadata;
  if (resourceVersion === undefined) delete object.metadata.resourceVersion;
  else object.metadata.resourceVersion = resourceVersion;
  if (uid !== undefined && uid !== "") object.metadata.uid = uid;
  let parent: Record<string, unknown> = object;
  for (const field of paths.replicas.slice(0, -1)) {
    parent[field] ??= {};
    parent = parent[field] as Record<string, unknown>;
  }
  const last = paths.replicas.at(-1);
  if (last !== undefined) parent[last] = scale.spec?.replicas ?? 0;
  return object;
}

function scaleOf(object: KubeObject, paths: ScalePaths): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(object, paths.replicas);
  const current = valueAt(object, paths.statusReplicas);
  const found = valueAt(object, paths.selector) as object | undefined;
  const selector = paths.selectorIsMap && found ? { matchLabels: found as Record<string, string> } : found;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: typeof replicas === "number" ? { replicas } : {},
    status: {
      replicas: typeof current === "number" ? current : 0,
      ...(selector ? { selector: formatLabelSelector(selector) } : {}),
    },
  };
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  let value = object;
  for (const field of path) value = (value as Record<string, unknown> | undefined)?.[field];
  return value;
}
