/** Resources that are asked and never stored: who am I, and may somebody do this? */
import type { User } from "../authn/authenticator.ts";
import { formatTime, type KubeObject } from "../machinery/meta.ts";
import { badRequest, isStatusError } from "../machinery/status-error.ts";
import { reviewLocally, reviewSelf, reviewSubject, type AccessReview } from "./access-reviews.ts";
import type { VirtualKind } from "./discovery.ts";
import type { Services } from "./exchange.ts";
import { negotiate } from "./negotiate.ts";
import type { ResourceInfo } from "./request-info.ts";
import type { FlowHeaders } from "./response.ts";
import { respondObject } from "./respond-object.ts";
import type { RoutedKind } from "./openapi/routes.ts";
import { methodNotAllowed } from "./paths.ts";

export interface ReviewExchange {
  request: Request;
  info: ResourceInfo;
  query: URLSearchParams;
  user: User;
  auditId: string;
  flowHeaders: FlowHeaders;
  warnings: string[];
  /** See Exchange. */
  decoded?: ((object: unknown) => void) | undefined;
}

interface Review extends VirtualKind {
  schema: string;
  answer(services: Services, body: ReviewBody, exchange: ReviewExchange): Promise<object> | object;
}

interface ReviewBody extends KubeObject {
  spec?: NonNullable<AccessReview["spec"]> & { token?: string; audiences?: string[]; namespace?: string };
}

const AUTHORIZATION = { group: "authorization.k8s.io", version: "v1", namespaced: false };
const AUTHENTICATION = { group: "authentication.k8s.io", version: "v1", namespaced: false };

/** What OpenAPI says of a review: it can be created. */
export function routedReview(review: Review): RoutedKind {
  return { ...review, verbs: ["create"], subresources: [] };
}

export const REVIEWS: readonly Review[] = [
  {
    ...AUTHENTICATION,
    kind: "SelfSubjectReview",
    plural: "selfsubjectreviews",
    singular: "selfsubjectreview",
    schema: "io.k8s.api.authentication.v1.SelfSubjectReview",
    answer: (_services, _body, { user }) => ({ status: { userInfo: userInfo(user) } }),
  },
  {
    ...AUTHENTICATION,
    kind: "TokenReview",
    plural: "tokenreviews",
    singular: "tokenreview",
    schema: "io.k8s.api.authentication.v1.TokenReview",
    answer: reviewToken,
  },
  {
    ...AUTHORIZATION,
    kind: "SelfSubjectAccessReview",
    plural: "selfsubjectaccessreviews",
    singular: "selfsubjectaccessreview",
    schema: "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    answer: (services, body, { user }) => reviewSelf(services, body, user),
  },
  {
    ...AUTHORIZATION,
    kind: "SubjectAccessReview",
    plural: "subjectaccessreviews",
    singular: "subjectaccessreview",
    schema: "io.k8s.api.authorization.v1.SubjectAccessReview",
    answer: reviewSubject,
  },
  {
    ...AUTHORIZATION,
    namespaced: true,
    kind: "LocalSubjectAccessReview",
    plural: "localsubjectaccessreviews",
    singular: "localsubjectaccessreview",
    schema: "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
    answer: (services, body, { info }) => reviewLocally(services, body, info.namespace),
  },
  {
    ...AUTHORIZATION,
    kind: "SelfSubjectRulesReview",
    plural: "selfsubjectrulesreviews",
    singular: "selfsubjectrulesreview",
    schema: "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    answer: reviewRules,
  },
];

export function findReview({ group, version, resource }: ResourceInfo): Review | undefined {
  return REVIEWS.find((review) => review.plural === resource && review.group === group && review.version === version);
}

export async function handleReview(services: Services, review: Review, exchange: ReviewExchange): Promise<Response> {
  const { verb, name } = exchange.info;
  if (verb !== "create" || name !== "") throw methodNotAllowed();
  const form = negotiate(exchange.request.headers.get("accept"));
  const body = (await services.bodies.typed(exchange, review)) as ReviewBody;
  const answer = await review.answer(services, body, exchange);
  const value = {
    kind: review.kind,
    apiVersion: `${review.group}/${review.version}`,
    metadata: { creationTimestamp: formatTime(services.cluster.platform.clock.now()) },
    ...(body.spec === undefined ? {} : { spec: body.spec }),
    ...answer,
  };
  return respondObject(exchange, { form, value, status: 201 });
}

function userInfo({ name, uid, groups, extra }: User): object {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}

async function reviewRules(
  { authorizer }: Services,
  { spec = {} }: ReviewBody,
  { user }: ReviewExchange,
): Promise<object> {
  const { namespace = "" } = spec;
  if (namespace === "") throw badRequest("no namespace on request");
  const { rules, incomplete, error } = await authorizer.rulesFor(user, namespace);
  const ofResources = rules.filter(({ resources }) => resources?.length);
  const ofPaths = rules.filter(({ nonResourceURLs }) => nonResourceURLs?.length);
  const resourceRules = ofResources.map(({ verbs, apiGroups, resources, resourceNames }) => ({
    verbs,
    apiGroups,
    resources,
    ...(resourceNames?.length ? { resourceNames } : {}),
  }));
  const nonResourceRules = ofPaths.map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  const evaluationError = error === "" ? {} : { evaluationError: error };
  return { status: { resourceRules, nonResourceRules, incomplete, ...evaluationError } };
}

async function reviewToken(services: Services, { spec = {} }: ReviewBody): Promise<object> {
  const { token = "", audiences = [] } = spec;
  if (token === "") throw badRequest("token is required for TokenReview in authentication");
  try {
    const reviewed = await services.reviewToken(token, audiences);
    if (!reviewed) return { spec: {}, status: { user: {}, error: "invalid bearer token" } };
    return {
      spec: {},
      status: {
        authenticated: true,
        user: userInfo(reviewed.user),
        audiences: reviewed.audiences,
      },
    };
  } catch (error) {
    if (!isStatusError(error, "Unauthorized")) throw error;
    return { spec: {}, status: { user: {}, error: "invalid bearer token" } };
  }
}
