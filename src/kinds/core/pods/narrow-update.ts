/** What the subresources of a pod's spec leave of a change: everything else stays as it is, without a word. */
import type { Container, Pod } from "./types.ts";

/** What of a pod each of them may own, as paths of field sets; "*" is any container. */
export const OWNABLE_PARTS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  ephemeralcontainers: [["f:spec", "f:ephemeralContainers"]],
  resize: ["f:containers", "f:initContainers"].flatMap((list) => [
    ["f:spec", list, "*", "f:resources"],
    ["f:spec", list, "*", "f:resizePolicy"],
  ]),
};

export function narrowUpdate(pod: Pod, old: Pod, subresource: string): void {
  if (subresource === "ephemeralcontainers") {
    const { ephemeralContainers } = pod.spec;
    pod.spec = structuredClone(old.spec);
    if (ephemeralContainers) pod.spec.ephemeralContainers = ephemeralContainers;
    else delete pod.spec.ephemeralContainers;
    keepMetadata(pod, old);
  } else if (subresource === "resize" && sameLengths(pod, old)) {
    const { containers, initContainers, resources } = pod.spec;
    const kept = structuredClone(old.spec);
    pod.spec = { ...kept, containers: resized(containers, kept.containers) };
    if (kept.initContainers) pod.spec.initContainers = resized(initContainers ?? [], kept.initContainers);
    if (resources) pod.spec.resources = resources;
    else delete pod.spec.resources;
    keepMetadata(pod, old);
  }
}

function sameLengths({ spec }: Pod, { spec: old }: Pod): boolean {
  return (
    spec.containers.length === old.containers.length &&
    (spec.initContainers?.length ?? 0) === (old.initContainers?.length ?? 0)
  );
}

/** Where names or their order changed, all is left as it came: validation says why that won't do. */
function resized(wanted: Container[], old: readonly Container[]): Container[] {
  if (wanted.some(({ name }, index) => name !== old[index]?.name)) return wanted;
  return wanted.map(({ resources, resizePolicy }, index) => {
    const { resources: _resources, resizePolicy: _policy, ...rest } = old[index] as Container;
    return { ...rest, ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) };
  });
}

function keepMetadata({ metadata }: Pod, { metadata: old }: Pod): void {
  for (const field of ["labels", "finalizers", "ownerReferences"] as const) {
    if (old[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: structuredClone(old[field]) });
  }
}
