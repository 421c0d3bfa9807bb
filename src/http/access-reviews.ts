/** May somebody do this? SubjectAccessReview in its three forms; pkg/registry/authorization of Kubernetes. */
import type { User } from "../authn/authenticator.ts";
import type { Attributes } from "../authz/authorizer.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { parseFieldSelector, parseLabelSelector } from "../machinery/selector-text.ts";
import { badRequest, fieldError, invalid, type FieldError } from "../machinery/status-error.ts";
import type { Services } from "./exchange.ts";

interface SelectorAttributes {
  rawSelector?: string;
  requirements?: { key?: string; operator?: string; values?: string[] }[];
}

interface ResourceAttributes {
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  fieldSelector?: SelectorAttributes;
  labelSelector?: SelectorAttributes;
}

export interface AccessReview extends KubeObject {
  spec?: {
    user?: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
    resourceAttributes?: ResourceAttributes;
    nonResourceAttributes?: { path?: string; verb?: string };
  };
}

type Spec = NonNullable<AccessReview["spec"]>;

/** About whoever asks. @throws StatusError "Invalid" */
export async function reviewSelf(services: Services, review: AccessReview, user: User): Promise<object> {
  const { spec = {} } = review;
  refuse([...specErrors(spec), ...metadataErrors(review, "must be empty")]);
  return await answer(services, spec, user);
}

/** @throws StatusError "Invalid" */
export async function reviewSubject(services: Services, review: AccessReview): Promise<object> {
  const { spec = {} } = review;
  refuse([...specErrors(spec), ...subjectErrors(spec), ...metadataErrors(review, "must be empty")]);
  return await answer(services, spec, subjectOf(spec));
}

/** Who may ask in one namespace only gets no answer about another. @throws StatusError Invalid, BadRequest */
export async function reviewLocally(services: Services, review: AccessReview, namespace: string): Promise<object> {
  const { spec = {}, metadata } = review;
  if (metadata.namespace !== undefined && metadata.namespace !== "" && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  const { resourceAttributes, nonResourceAttributes } = spec;
  const errors = [...specErrors(spec), ...subjectErrors(spec)];
  const { namespace: _own, ...rest } = metadata;
  errors.push(...metadataErrors({ metadata: rest }, "must be empty except for namespace"));
  const asked = resourceAttributes?.namespace ?? "";
  if (resourceAttributes && asked !== namespace) {
    errors.push(fieldError.invalid("spec.resourceAttributes.namespace", asked, "must match metadata.namespace"));
  }
  if (nonResourceAttributes) {
    const field = "spec.nonResourceAttributes";
    errors.push(fieldError.invalid(field, nonResourceAttributes, "disallowed on this kind of request"));
  }
  refuse(errors);
  return await answer(services, spec, subjectOf(spec));
}

/** Kubernetes has forgotten the kind by then. */
function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: "authorization.k8s.io", kind: "" }, "", errors);
}

function specErrors({ resourceAttributes, nonResourceAttributes }: Spec): FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    const why = "cannot be specified in combination with resourceAttributes";
    return [fieldError.invalid("spec.nonResourceAttributes", nonResourceAttributes, why)];
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    return [fieldError.invalid("spec.resourceAttributes", null, why)];
  }
  return (["fieldSelector", "labelSelector"] as const).flatMap((name) =>
    selectorErrors(resourceAttributes?.[name], `spec.resourceAttributes.${name}`),
  );
}

function selectorErrors(selector: SelectorAttributes | undefined, field: string): FieldError[] {
  if (!selector) return [];
  const { rawSelector = "", requirements = [] } = selector;
  if (rawSelector !== "" && requirements.length > 0) {
    const why = "may not specified at the same time as requirements";
    return [fieldError.invalid(`${field}.rawSelector`, rawSelector, why)];
  }
  if (rawSelector !== "" || requirements.length > 0) return [];
  const why = `when ${field} is specified, requirements or rawSelector is required`;
  return [fieldError.required(`${field}.requirements`, why)];
}

function subjectErrors({ user = "", groups = [] }: Spec): FieldError[] {
  if (user !== "" || groups.length > 0) return [];
  return [fieldError.invalid("spec.user", user, "at least one of user or group must be specified")];
}

function metadataErrors({ metadata }: Pick<KubeObject, "metadata">, why: string): FieldError[] {
  const { managedFields: _managers, creationTimestamp: _created, ...rest } = metadata ?? {};
  const said = Object.values(rest).some((value) => value !== undefined && value !== "" && value !== null);
  return said ? [fieldError.invalid("metadata", metadata, why)] : [];
}

function subjectOf({ user = "", groups = [], uid, extra }: Spec): User {
  return { name: user, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
}

async function answer(services: Services, spec: Spec, user: User): Promise<object> {
  const { attributes, error } = attributesOf(user, spec);
  const { verdict, reason } = await services.authorizer.authorize(attributes);
  return {
    status: {
      allowed: verdict === "allow",
      ...(verdict === "deny" ? { denied: true } : {}),
      ...(reason === undefined ? {} : { reason }),
      ...(error === "" ? {} : { evaluationError: error }),
    },
  };
}

/** `error`: which selectors were not understood. They could only have limited what is asked for, so it is asked without. */
function attributesOf(
  user: User,
  { resourceAttributes, nonResourceAttributes }: Spec,
): { attributes: Attributes; error: string } {
  if (nonResourceAttributes) {
    const { verb = "", path = "" } = nonResourceAttributes;
    return { attributes: { user, verb, path }, error: "" };
  }
  const { verb = "", group = "", version = "", resource = "" } = resourceAttributes ?? {};
  const { subresource = "", namespace = "", name = "", fieldSelector, labelSelector } = resourceAttributes ?? {};
  const what = { group, version: version === "" ? "*" : version, resource, subresource, namespace, name };
  const fields = fieldsOf(fieldSelector);
  const errors = [
    ...ignored("fieldSelector", fields),
    ...ignored("labelSelector", { known: 0, failed: labelSelector !== undefined && !isLabelSelector(labelSelector) }),
  ];
  const selected = fields.text === "" ? {} : { fieldSelector: fields.text };
  return { attributes: { user, verb, path: "", resource: what, ...selected }, error: errors.join("; ") };
}

interface Understood {
  /** How many requirements were. */
  known: number;
  /** Some were not. */
  failed: boolean;
}

function ignored(name: string, { known, failed }: Understood): string[] {
  if (!failed) return [];
  return [`spec.resourceAttributes.${name} ${known > 0 ? "partially " : ""}ignored due to parse error`];
}

/** As the text of a query. */
function fieldsOf({ rawSelector = "", requirements = [] }: SelectorAttributes = {}): Understood & { text: string } {
  if (rawSelector !== "") {
    const failed = !parses(() => parseFieldSelector(rawSelector));
    return { text: failed ? "" : rawSelector, known: 0, failed };
  }
  const terms = requirements.flatMap(({ key = "", operator, values = [] }) => {
    const [value, ...more] = values;
    if (value === undefined || more.length > 0 || (operator !== "In" && operator !== "NotIn")) return [];
    return [`${key}${operator === "In" ? "=" : "!="}${value.replace(/[\\,=]/g, "\\$&")}`];
  });
  return { text: terms.join(","), known: terms.length, failed: terms.length < requirements.length };
}

const LABEL_OPERATORS = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

function isLabelSelector({ rawSelector = "", requirements = [] }: SelectorAttributes): boolean {
  if (rawSelector !== "") return parses(() => parseLabelSelector(rawSelector));
  return requirements.every(({ operator = "" }) => LABEL_OPERATORS.has(operator));
}

function parses(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
