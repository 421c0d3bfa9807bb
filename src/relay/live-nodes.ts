/** A node's credential lives for an hour, but is worth no more than its Node: once that is deleted, or is another machine's, it is none. */
import type { Authenticator } from "../authn/authenticator.ts";
import { nodeIdentityOf } from "../authn/node-credential.ts";
import type { ObjectLookup } from "../authn/service-account.ts";
import { assertOwner } from "./join.ts";

export function createLiveNodes(deps: { credentials: Authenticator; lookup: ObjectLookup }): Authenticator {
  const { credentials, lookup } = deps;
  return {
    async authenticate(request) {
      const user = await credentials.authenticate(request);
      const identity = nodeIdentityOf(user);
      if (!user || !identity) return user;
      const node = await lookup({ resource: "nodes", namespace: "", name: identity.nodeName });
      assertOwner(node, identity);
      return { ...user, boundTo: node?.metadata.uid === undefined ? [] : [node.metadata.uid] };
    },
  };
}
