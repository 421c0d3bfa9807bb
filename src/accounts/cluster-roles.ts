/** How an organisation's roles begin in a new cluster: ordinary bindings, which its owner may change or remove. */
import type { Client } from "../client/client.ts";
import { serviceAccounts } from "../kinds/core/serviceaccounts/types.ts";
import { clusterRoleBindings, type ClusterRoleBinding } from "../kinds/rbac/types.ts";
import type { ResourceRef } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Role } from "./accounts.ts";
import { organisationGroup } from "./principals.ts";

const GRANTED: readonly { name: string; role: string; to: readonly Role[] }[] = [
  { name: "gantry:organisation-admins", role: "cluster-admin", to: ["owner", "admin"] },
  { name: "gantry:organisation-developers", role: "edit", to: ["developer"] },
  { name: "gantry:organisation-viewers", role: "view", to: ["viewer"] },
];

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** What a cluster of an organisation has beside what every cluster has. What is there already stays as it is. */
export async function prepareCluster(client: Client, organisation: string): Promise<void> {
  await Promise.all([
    ...GRANTED.map((granted) => makeSure(client, clusterRoleBindings, bindingOf(organisation, granted))),
    // A controller makes them too, a moment later; the first pod need not wait for it.
    ...NAMESPACES.map((namespace) => makeSure(client, serviceAccounts, { metadata: { name: "default", namespace } })),
  ]);
}

function bindingOf(organisation: string, { name, role, to }: (typeof GRANTED)[number]): ClusterRoleBinding {
  const apiGroup = "rbac.authorization.k8s.io";
  return {
    metadata: { name },
    roleRef: { apiGroup, kind: "ClusterRole", name: role },
    subjects: to.map((held) => ({ apiGroup, kind: "Group", name: organisationGroup(organisation, held) })),
  };
}

async function makeSure(client: Client, ref: ResourceRef, object: KubeObject): Promise<void> {
  try {
    await client.create(ref, object);
  } catch (error) {
    if (!isStatusError(error, "AlreadyExists")) throw error;
  }
}
