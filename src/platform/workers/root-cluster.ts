/** The cluster at the root of a deployment: its id, and the name of its database where there are several. */
export const ROOT_CLUSTER = "default";
/** Of its service accounts' tokens. */
export const ROOT_ISSUER = "https://kubernetes.default.svc.cluster.local";
