import type { Plugin, Refusal } from "../framework.ts";

const NAME = "NodeName";
const REFUSED: Refusal = {
  plugin: NAME,
  reasons: ["node(s) didn't match the requested node name"],
  unresolvable: true,
};

/** A pod that names its node is bound already and never comes here; this guards against one that names it meanwhile. */
export const nodeName: Plugin = {
  name: NAME,
  prepare: ({ nodeName: wanted }) =>
    wanted === "" ? undefined : { refuseNode: ({ metadata }) => (metadata.name === wanted ? undefined : REFUSED) },
  awaits: ["node"],
  helps: (event, pod) => event.kind === "node" && event.after.metadata.name === pod.nodeName,
};
