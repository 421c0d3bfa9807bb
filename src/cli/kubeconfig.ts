/** A kubeconfig with one cluster, one user, one context, as kubectl reads it (JSON is YAML). */
export function renderKubeconfig(access: { server: string; clusterCa: string; token: string; name: string }): string {
  const { server, clusterCa, token, name } = access;
  return [
    "apiVersion: v1",
    "kind: Config",
    `current-context: ${name}`,
    "clusters:",
    `- name: ${name}`,
    "  cluster:",
    `    server: ${server}`,
    `    certificate-authority-data: ${Buffer.from(clusterCa).toString("base64")}`,
    "users:",
    "- name: admin",
    "  user:",
    `    token: ${token}`,
    "contexts:",
    `- name: ${name}`,
    "  context:",
    `    cluster: ${name}`,
    "    user: admin",
    "",
  ].join("\n");
}
