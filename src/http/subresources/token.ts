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
import type { BoundObject } from "../../authn/service-account.ts";

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
  const bound = await boundPod(services, exchange, spec.boundObjectRef);
  assertNodeMayAsk(user, info.name, bound?.nodeName);
  const { token, expiresMs } = await services.tokens.issue({
    namespace: info.namespace,
    serviceAccount: { name: info.name, uid: account.uid },
    audiences,
    lifetimeSeconds: seconds,
    ...(bound ? { pod: bound.pod } : {}),
    ...(bound?.node ? { node: bound.node } : {}),
  });
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

interface Bound {
  pod: BoundObject;
  nodeName: string | undefined;
  node: BoundObject | undefined;
}

async function boundPod(
  services: Services,
  exchange: Exchange,
  ref: NonNullable<TokenRequestBody["spec"]>["boundObjectRef"],
): Promise<Bound | undefined> {
  if (!ref) return undefined;
  const { kind = "", apiVersion = "v1", name = "", uid } = ref;
  if (kind !== "Pod" || apiVersion !== "v1") {
    throw badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`);
  }
  const { storage } = services.cluster;
  const { namespace } = exchange.info;
  const { object } = await storage.get({ resource: "pods", namespace, name });
  if (!object) throw notFound({ group: "", resource: "pods" }, name);
  if (uid !== undefined && uid !== "" && uid !== object.uid) {
    throw conflict(
      { group: "", resource: "pods" },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const pod = JSON.parse(object.value) as { spec?: { serviceAccountName?: string; nodeName?: string } };
  if (pod.spec?.serviceAccountName !== exchange.info.name) {
    throw badRequest(
      `cannot bind token for serviceaccount "${exchange.info.name}" to pod running with different serviceaccount name.`,
    );
  }
  const nodeName = pod.spec.nodeName === "" ? undefined : pod.spec.nodeName;
  const node =
    nodeName === undefined ? undefined : await storage.get({ resource: "nodes", namespace: "", name: nodeName });
  return {
    pod: { name, uid: object.uid },
    nodeName,
    node: node?.object && nodeName !== undefined ? { name: nodeName, uid: node.object.uid } : undefined,
  };
}

/** A node gets tokens for the pods it runs and for nothing else (NodeRestriction). */
function assertNodeMayAsk(user: Exchange["user"], account: string, podsNode: string | undefined): void {
  const node = nodeNameOf(user);
  if (node === undefined || podsNode === node) return;
  throw forbidden(
    { group: "", resource: "serviceaccounts" },
    account,
    podsNode === undefined
      ? "node requested token not bound to a pod"
      : "node requested token bound to a pod scheduled on a different node",
  );
}
