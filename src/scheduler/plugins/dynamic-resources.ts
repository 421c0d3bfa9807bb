import type { Plugin, Refusal } from "../framework.ts";

const NAME = "DynamicResources";
const REFUSED: Refusal = { plugin: NAME, reasons: ["cannot allocate all claims"], unresolvable: true };

/** Nothing allocates devices here: a pod that claims some is told so, and never runs without them. */
export const dynamicResources: Plugin = {
  name: NAME,
  prepare: ({ spec }) => (spec.resourceClaims.length === 0 ? undefined : { refuseNode: () => REFUSED }),
  awaits: [],
  helps: () => false,
};
