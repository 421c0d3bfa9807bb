/** From requests to the questions that authorization is asked. */
import type { MayDo } from "../admission/owner-references.ts";
import type { MayUseSigner } from "../admission/certificates.ts";
import type { User } from "../authn/authenticator.ts";
import { impersonationOf } from "../authn/impersonation.ts";
import type { Authorization } from "../authz/authorization.ts";
import type { Authorizer, RuleResolver } from "../authz/authorizer.ts";
import type { Policy } from "../authz/rbac/policy.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestInfo } from "./request-info.ts";

/** Resolves to why it may be. @throws Refusal */
export async function authorizeRequest(
  authorization: Authorization,
  { user, info, options }: { user: User; info: RequestInfo; options: URLSearchParams },
): Promise<string> {
  const { verb, path } = info;
  if (!info.isResource) return (await authorization.assertMay({ user, verb, path })).reason ?? "";
  const { group, version, resource, subresource, namespace } = info;
  const fieldSelector = options.get("fieldSelector") ?? "";
  const name = info.name === "" ? selectedName(fieldSelector) : info.name;
  const { reason = "" } = await authorization.assertMay({
    user,
    verb,
    path,
    resource: { group, version, resource, subresource, namespace, name },
    ...(fieldSelector === "" ? {} : { fieldSelector }),
  });
  return reason;
}

/** A list of exactly one object counts as a request for it, so that permissions by name can allow it. */
function selectedName(fieldSelector: string): string {
  for (const term of fieldSelector.split(",")) {
    const match = /^metadata\.name==?([^=!,]+)$/.exec(term.trim());
    if (match?.[1] !== undefined) return match[1];
  }
  return "";
}

/** Whom the user acts as, by the request's headers: himself, mostly. @throws StatusError "Forbidden", "BadRequest" */
export async function actingUser(
  authorization: Authorization,
  { user, headers, path }: { user: User; headers: Headers; path: string },
): Promise<User> {
  const impersonation = impersonationOf(headers);
  if (!impersonation) return user;
  for (const part of impersonation.parts) {
    await authorization.assertMay({ user, verb: "impersonate", path, resource: { version: "v1", ...part } });
  }
  return impersonation.user;
}

/** For a PUT that creates, and for a GET that opens a stream. @throws StatusError "Forbidden" */
export async function assertMayCreate({ authorization, user, info }: Exchange): Promise<void> {
  const { group, version, resource, subresource, namespace, name, path } = info;
  const what = { group, version, resource, subresource, namespace, name };
  await authorization.assertMay({ user, verb: "create", path, resource: what });
}

/** Signers are no objects: rights on them are all there is (pkg/apis/certificates of Kubernetes). */
export function createSignerRights(authorizer: Authorizer): MayUseSigner {
  const mayDo = createRightsCheck(authorizer);
  return ({ user, verb, signerName }) => {
    const signer = { group: "certificates.k8s.io", version: "*", resource: "signers", subresource: "", namespace: "" };
    return mayDo({ user, verb, resource: { ...signer, name: signerName } });
  };
}

/** What admission asks of the authorizers. */
export function createRightsCheck(authorizer: Authorizer): MayDo {
  return async ({ user, verb, resource }) => {
    const { verdict, reason, revision } = await authorizer.authorize({ user, verb, path: "", resource });
    return {
      allowed: verdict === "allow",
      ...(reason === undefined ? {} : { reason }),
      ...(revision === undefined ? {} : { revision }),
    };
  };
}

/** For answers about what others may do: nothing else of such a request would tell that the policy has moved. */
export function freshAuthorizer(
  authorizer: Authorizer & RuleResolver,
  { asked }: Pick<Policy, "asked">,
): Authorizer & RuleResolver {
  if (!asked) return authorizer;
  return {
    async authorize(attributes) {
      await asked.check();
      return await authorizer.authorize(attributes);
    },
    async rulesFor(user, namespace) {
      await asked.check();
      return await authorizer.rulesFor(user, namespace);
    },
  };
}
