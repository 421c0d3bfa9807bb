import type { Plugin } from "../framework.ts";

/** A pod that names its node is bound already and never comes here; this guards against one that names it meanwhile. */
export const nodeName: Plugin = {
  name: "NodeName",
  requeueOn: ["node-added"],
  filter: (pod, { node }) =>
    pod.nodeName === "" || pod.nodeName === node.metadata.name ? [] : ["node(s) didn't match the requested node name"],
};
