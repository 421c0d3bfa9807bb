/** POST serviceaccounts/{name}/token: TokenRequest (https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/). */
import { nodeNameOf } from "../../authz/node.ts";
import { formatTime, type KubeObject } from "../../machinery/meta.ts";
import {
  badRequest,
  conflict,
  fieldError,
  forbidden,
  invalid,
  notFound,
  type FieldError,
} from "../../machinery/status-error.ts";
import { isDryRun, type Exchange, type Services } from "../exchange.ts";
import { negotiate } from "../negotiate.ts";
import { respondObject } from "../respond-object.ts";
import { target } from "../write.ts";
import { audienceFault } from "./token-audience.ts";
import type { TokenRequest } from "../../authn/service-account.ts";
import type { Pod } from "../../kinds/core/pods/types.ts";
import { parseApiVersion } from "../../machinery/gvk.ts";

interface TokenRequestBody extends KubeObject {
  spec?: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string };
  };
}

const TOKEN_REQUEST = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
  schema: "io.k8s.api.authentication.v1.TokenRequest",
};

const LIFETIME_DEFAULT_SECONDS = 3_600;
const LIFETIME_MIN_SECONDS = 600;
/** Longer is asked for as much as it likes and gets this: a token outlives no more than a year. */
const LIFETIME_MAX_SECONDS = 365 * 24 * 3_600;

export async function handleToken(services: Services, exchange: Exchange): Promise<Response> {
  const { info, user } = exchange;
  const form = negotiate(exchange.request.headers.get("accept"));
  const body = (await services.bodies.typed(exchange, TOKEN_REQUEST)) as TokenRequestBody;
  const account = await services.registry.get(target(exchange));
  const spec = body.spec ?? {};
  const seconds = lifetimeOf(spec.expirationSeconds, info.name);
  const audiences = spec.audiences?.length ? spec.audiences : [services.tokens.audience];
  const bound = await boundObject(services, exchange, spec.boundObjectRef);
  const { boundPod, ...claims } = bound;
  if (nodeNameOf(user) !== undefined) {
    const asked = { pod: boundPod, uid: spec.boundObjectRef?.uid ?? "", audiences: spec.audiences ?? [] };
    const why = await nodeFault(services, exchange, asked);
    if (why !== undefined) throw forbidden({ group: "", resource: "serviceaccounts" }, info.name, why);
  }
  const { token, expiresMs, credentialId } = await services.tokens.issue({
    namespace: info.namespace,
    serviceAccount: { name: info.name, uid: account.uid },
    audiences,
    lifetimeSeconds: seconds,
    ...claims,
  });
  exchange.annotate?.("authentication.kubernetes.io/issued-credential-id", credentialId);
  const value = {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: {
      name: info.name,
      namespace: info.namespace,
      creationTimestamp: formatTime(services.cluster.platform.clock.now()),
    },
    spec: { ...spec, audiences, expirationSeconds: seconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token: isDryRun(exchange.query) ? "" : token, expirationTimestamp: formatTime(expiresMs) },
  };
  return respondObject(exchange, { form, value, status: 201 });
}

function lifetimeOf(asked: number | undefined, name: string): number {
  const seconds = asked ?? LIFETIME_DEFAULT_SECONDS;
  const errors: FieldError[] = [];
  const path = "spec.expirationSeconds";
  if (seconds < LIFETIME_MIN_SECONDS) {
    errors.push(fieldError.invalid(path, seconds, "may not specify a duration less than 10 minutes"));
  } else if (seconds > 2 ** 32) {
    errors.push(fieldError.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"));
  }
  if (errors.length > 0) throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest" }, name, errors);
  return Math.min(seconds, LIFETIME_MAX_SECONDS);
}

interface Bound extends Pick<TokenRequest, "pod" | "secret" | "node"> {
  /** Its Node object may be gone. */
  boundPod?: Pod;
}

const BINDABLE = {
  Pod: { resource: "pods", namespaced: true, claim: "pod" },
  Secret: { resource: "secrets", namespaced: true, claim: "secret" },
  Node: { resource: "nodes", namespaced: false, claim: "node" },
} as const;

async function boundObject(
  services: Services,
  exchange: Exchange,
  ref: NonNullable<TokenRequestBody["spec"]>["boundObjectRef"],
): Promise<Bound> {
  if (!ref) return {};
  const { kind = "", apiVersion = "v1", name = "", uid = "" } = ref;
  const { group, version } = parseApiVersion(apiVersion);
  if (group !== "" || !Object.hasOwn(BINDABLE, kind)) {
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  }
  const { resource, namespaced, claim } = BINDABLE[kind as keyof typeof BINDABLE];
  const namespace = namespaced ? exchange.info.namespace : "";
  const object = await services.lookup({ resource, namespace, name });
  if (!object) throw notFound({ group: "", resource }, name);
  const { uid: found = "" } = object.metadata;
  if (uid !== "" && uid !== found) {
    throw conflict(
      { group: "", resource: kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const bound = { [claim]: { name, uid: found } };
  return kind === "Pod" ? { ...bound, ...(await nodeOfPod(services, exchange, object as Pod)) } : bound;
}

async function nodeOfPod(services: Services, { info }: Exchange, pod: Pod): Promise<Bound> {
  const { serviceAccountName, nodeName = "" } = pod.spec;
  if (serviceAccountName !== info.name) {
    throw badRequest(
      `cannot bind token for serviceaccount "${info.name}" to pod running with different serviceaccount name.`,
    );
  }
  if (nodeName === "") return { boundPod: pod };
  const node = await services.lookup({ resource: "nodes", namespace: "", name: nodeName });
  return { boundPod: pod, ...(node ? { node: { name: nodeName, uid: node.metadata.uid ?? "" } } : {}) };
}

/** A node gets tokens for the pods it runs and for nothing else (NodeRestriction). */
async function nodeFault(
  services: Services,
  exchange: Exchange,
  { pod, uid, audiences }: { pod: Pod | undefined; uid: string; audiences: readonly string[] },
): Promise<string | undefined> {
  if (!pod) return "node requested token not bound to a pod";
  if (uid === "") return "node requested token with a pod binding without a uid";
  if (pod.spec.nodeName !== nodeNameOf(exchange.user)) {
    return "node requested token bound to a pod scheduled on a different node";
  }
  return await audienceFault(services, exchange, { pod, audiences });
}
