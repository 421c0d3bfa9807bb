/** What a kind says comes and goes with its objects, as writes beside theirs. */
import { formatTime, type KubeObject } from "../machinery/meta.ts";
import type { CompanionWrite } from "../storage/storage.ts";
import { storedValue } from "../storage/stored-value.ts";
import type { CommitRequest, RegistryDeps } from "./context.ts";
import type { Resource } from "./scheme.ts";

/** Who manages what no client wrote. */
const MANAGER = "kube-apiserver";

/** Kinds that this API does not serve have none. */
export function companionWrites(deps: RegistryDeps, { target, op, object, old }: CommitRequest): CompanionWrite[] {
  const { strategy } = target.resource;
  if (!strategy.companions) return [];
  const change = op === "delete" ? { now: undefined, old: old ?? object } : { now: object, old };
  return strategy.companions(change).flatMap((companion): CompanionWrite[] => {
    if (companion.op === "remove") return [{ ...companion, namespace: "" }];
    const resource = deps.scheme.findStored(companion.resource);
    return resource ? [created(deps, resource, companion.object)] : [];
  });
}

function created(deps: RegistryDeps, resource: Resource, { metadata, ...rest }: KubeObject): CompanionWrite {
  const uid = deps.random.uuid();
  const object = deps.canonical(resource, {
    metadata: {
      ...metadata,
      uid,
      creationTimestamp: formatTime(deps.clock.now()),
      ...(resource.strategy.countsGenerations === false ? {} : { generation: 1 }),
    },
    ...rest,
  });
  const managedFields = deps.managedFields.created({ resource, subresource: "", manager: MANAGER }, object);
  if (managedFields) object.metadata.managedFields = managedFields;
  return {
    op: "create",
    resource: resource.storageName,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name ?? "",
    uid,
    form: resource.form,
    labels: object.metadata.labels ?? {},
    fields: resource.strategy.fields?.(object) ?? {},
    value: storedValue(object),
  };
}
