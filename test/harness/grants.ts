/** Rights of the users of a test, given by roles and bindings as an owner gives them. */
import type { TestCluster } from "./cluster.ts";

const GROUP = "rbac.authorization.k8s.io";
const RBAC = `/apis/${GROUP}/v1`;

type Api = Pick<TestCluster, "call">;

/** The object as it was stored. @throws Error with the answer */
export async function make<T = { metadata: { uid: string; resourceVersion: string } }>(
  api: Api,
  path: string,
  body: object,
): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`);
  return answer.body;
}

/** Binds the user to a ClusterRole, in one namespace or in all. */
export async function bindRole(
  api: Api,
  { user, role, namespace }: { user: string; role: string; namespace?: string },
): Promise<void> {
  const path = namespace === undefined ? `${RBAC}/clusterrolebindings` : `${RBAC}/namespaces/${namespace}/rolebindings`;
  await make(api, path, {
    metadata: { name: `${user}-${role}` },
    subjects: [{ kind: "User", apiGroup: GROUP, name: user }],
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: role },
  });
}

/** By a ClusterRole of the user's own. */
export async function grantRules(
  api: Api,
  { user, rules, namespace }: { user: string; rules: readonly object[]; namespace?: string },
): Promise<void> {
  const role = `of-${user}`;
  await make(api, `${RBAC}/clusterroles`, { metadata: { name: role }, rules });
  await bindRole(api, { user, role, ...(namespace === undefined ? {} : { namespace }) });
}
