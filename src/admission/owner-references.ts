/**
 * OwnerReferencesPermissionEnforcement: an owner is a way to have an object deleted, so who sets one must have the right to delete the
 * object, and who lets it block its owner's deletion the right to set the owner's finalizers (plugin/pkg/admission/gc).
 */
import type { User } from "../authn/authenticator.ts";
import type { OwnerReference } from "../machinery/meta.ts";
import { equalJson } from "../machinery/patch/json-value.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { refused } from "./refusal.ts";

export interface Right {
  user: User;
  verb: string;
  resource: { group: string; version: string; resource: string; subresource: string; namespace: string; name: string };
}

/** `reason`: what the authorizers say of a refusal, "" where nothing. */
export type MayDo = (right: Right) => Promise<{ allowed: boolean; reason?: string; revision?: number }>;

export interface OwnerReferencesDeps {
  mayDo: MayDo;
  /** Undefined for a kind that is not served. */
  findKind: (gvk: {
    group: string;
    version: string;
    kind: string;
  }) => { plural: string; namespaced: boolean } | undefined;
}

export function createOwnerReferences({ mayDo, findKind }: OwnerReferencesDeps): AdmissionPlugin {
  async function assertMay(attributes: AdmissionAttributes, right: Right, why: string): Promise<void> {
    await attributes.authorization.assert(async () => {
      const answer = await mayDo(right);
      if (answer.allowed) return answer;
      throw refused(attributes, `${why}: ${answer.reason ?? ""}, <nil>`);
    });
  }

  async function validate(attributes: AdmissionAttributes): Promise<void> {
    const { operation, user, group, version, resource, subresource, namespace, name } = attributes;
    if (operation !== "CREATE" && operation !== "UPDATE") return;
    // Its strategy lets nobody change owners there.
    if (group === "" && resource === "pods" && subresource === "status") return;
    const before = attributes.oldObject?.metadata.ownerReferences ?? [];
    const after = attributes.object?.metadata.ownerReferences ?? [];
    if (equalJson(before, after)) return;
    const object = { group, version, resource, subresource, namespace, name };
    await assertMay(
      attributes,
      { user, verb: "delete", resource: object },
      "cannot set an ownerRef on a resource you can't delete",
    );
    for (const reference of newlyBlocking(before, after)) {
      await assertMay(
        attributes,
        { user, verb: "update", resource: finalizersOf(attributes, reference) },
        "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on",
      );
    }
  }

  /** An owner is in the namespace of what it owns, or in none. */
  function finalizersOf(
    attributes: AdmissionAttributes,
    { apiVersion, kind, name }: OwnerReference,
  ): Right["resource"] {
    const slash = apiVersion.indexOf("/");
    const [group, version] = slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
    const found = findKind({ group, version, kind });
    if (!found) {
      const named = `APIVersion ${apiVersion} Kind ${kind}`;
      const no = `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`;
      throw refused(
        attributes,
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for ${named}: ${no}`,
      );
    }
    const namespace = found.namespaced ? attributes.namespace : "";
    return { group, version, resource: found.plural, subresource: "finalizers", namespace, name };
  }

  return { name: "OwnerReferencesPermissionEnforcement", validate };
}

function newlyBlocking(before: readonly OwnerReference[], after: readonly OwnerReference[]): OwnerReference[] {
  const blocked = new Set(before.filter(({ blockOwnerDeletion }) => blockOwnerDeletion).map(({ uid }) => uid));
  return after.filter(({ uid, blockOwnerDeletion }) => blockOwnerDeletion && !blocked.has(uid));
}
