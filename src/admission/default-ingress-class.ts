/** DefaultIngressClass: an Ingress that names no class gets the default one (plugin/pkg/admission/network/defaultingressclass). */
import type { Ingress, IngressClass } from "../kinds/networking/types.ts";
import type { Clock } from "../platform/platform.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { newestDefault } from "./default-class.ts";

/** The class in the words of older manifests. */
const CLASS_ANNOTATION = "kubernetes.io/ingress.class";
const DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class";
/** How old the answer may be. */
const FRESH_MS = 1_000;

export interface IngressClassDeps {
  /** All that there are. */
  listIngressClasses: () => Promise<readonly IngressClass[]>;
  clock: Clock;
}

export function createDefaultIngressClass({ listIngressClasses, clock }: IngressClassDeps): AdmissionPlugin {
  let known: { name: string | undefined; atMs: number } | undefined;

  return {
    name: "DefaultIngressClass",
    async mutate({ operation, group, resource, subresource, object }) {
      if (group !== "networking.k8s.io" || resource !== "ingresses" || subresource !== "" || operation !== "CREATE")
        return;
      const { spec, metadata } = object as Ingress;
      if (spec.ingressClassName !== undefined || metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return;
      const name = await defaultName();
      if (name !== undefined) spec.ingressClassName = name;
    },
    validate({ group, resource }) {
      if (group === "networking.k8s.io" && resource === "ingressclasses") known = undefined;
    },
  };

  async function defaultName(): Promise<string | undefined> {
    const nowMs = clock.now();
    if (known && nowMs - known.atMs < FRESH_MS) return known.name;
    const classes = await listIngressClasses();
    known = { name: newestDefault(classes.filter(isDefault))?.metadata.name, atMs: nowMs };
    return known.name;
  }
}

function isDefault({ metadata }: IngressClass): boolean {
  return metadata.annotations?.[DEFAULT_ANNOTATION] === "true";
}
