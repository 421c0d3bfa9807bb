/**
 * AlwaysPullImages: whoever may not pull an image must not use one that a node happens to have (plugin/pkg/admission/alwayspullimages).
 */
import type { Container, Pod } from "../kinds/core/pods/types.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";

interface ImageVolume {
  image?: { reference?: string; pullPolicy?: string };
}

export function createAlwaysPullImages(): AdmissionPlugin {
  return {
    name: "AlwaysPullImages",
    mutate(attributes) {
      const pod = pulling(attributes);
      if (!pod) return;
      for (const { container } of containersOf(pod)) container.imagePullPolicy = "Always";
      for (const { image } of (pod.spec.volumes ?? []) as ImageVolume[]) if (image) image.pullPolicy = "Always";
    },
    validate(attributes) {
      const pod = pulling(attributes);
      if (!pod) return;
      const policies = [
        ...containersOf(pod).map(({ container, path }) => [`${path}.imagePullPolicy`, container.imagePullPolicy]),
        ...((pod.spec.volumes ?? []) as ImageVolume[]).flatMap(({ image }, at) =>
          image ? [[`spec.volumes[${at}].image.pullPolicy`, image.pullPolicy]] : [],
        ),
      ];
      const faults = policies
        .filter(([, policy]) => policy !== "Always")
        .map(
          ([path, policy = ""]) => `${path}: Unsupported value: ${JSON.stringify(policy)}: supported values: "Always"`,
        );
      if (faults.length > 0)
        throw refused(attributes, faults.length === 1 ? faults.join("") : `[${faults.join(", ")}]`);
    },
  };
}

/** An update that brings no image of its own changes nothing here. */
function pulling(attributes: AdmissionAttributes): Pod | undefined {
  const { operation, oldObject } = attributes;
  const pod = operation === "CREATE" || operation === "UPDATE" ? podOf(attributes) : undefined;
  if (!pod || operation === "CREATE" || !oldObject) return pod;
  const known = new Set(containersOf(oldObject as Pod).map(({ container }) => container.image));
  return containersOf(pod).some(({ container }) => !known.has(container.image)) ? pod : undefined;
}

function containersOf({ spec }: Pod): { container: Pick<Container, "image" | "imagePullPolicy">; path: string }[] {
  const lists = ["initContainers", "containers", "ephemeralContainers"] as const;
  return lists.flatMap((list) =>
    (spec[list] ?? []).map((container, at) => ({ container, path: `spec.${list}[${at}]` })),
  );
}
