/**
 * What expressions of policies and webhooks may use, and what is wrong with them: k8s.io/apiserver/pkg/admission/plugin/cel (compile.go,
 * composition.go) and pkg/cel/mutation.
 */
import { celEnvironment, typeName, type CelEnvironment } from "../../cel/environment.ts";
import { BOOL, DYN, INT, listOf, mapOf, objectOf, STRING, TIMESTAMP, type CelType } from "../../cel/types.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";

/** Of an object. Kubernetes has no such limit but that of the body. */
const EXPRESSIONS_SIZE_MAX = 128 * 1024;

export interface ExpressionScope {
  hasParams: boolean;
  hasAuthorizer: boolean;
  /** `variables`, by name; absent where there are none. */
  variables?: ReadonlyMap<string, CelType>;
  /** `Object{…}` and `JSONPatch{…}`. */
  makesPatches?: boolean;
}

function record(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return objectOf(name, (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined));
}

const STRINGS = listOf(STRING);
const gvk = record("kubernetes.GroupVersionKind", { group: STRING, version: STRING, kind: STRING });
const gvr = record("kubernetes.GroupVersionResource", { group: STRING, version: STRING, resource: STRING });
const userInfo = record("kubernetes.UserInfo", {
  username: STRING,
  uid: STRING,
  groups: STRINGS,
  extra: mapOf(STRING, STRINGS),
});
const admissionRequest = record("kubernetes.AdmissionRequest", {
  kind: gvk,
  resource: gvr,
  subResource: STRING,
  requestKind: gvk,
  requestResource: gvr,
  requestSubResource: STRING,
  name: STRING,
  namespace: STRING,
  operation: STRING,
  userInfo,
  dryRun: BOOL,
  options: DYN,
});
const namespace = record("kubernetes.Namespace", {
  metadata: record("kubernetes.NamespaceMetadata", {
    name: STRING,
    generateName: STRING,
    namespace: STRING,
    labels: mapOf(STRING, STRING),
    annotations: mapOf(STRING, STRING),
    UID: STRING,
    creationTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT,
    deletionTimestamp: TIMESTAMP,
    generation: INT,
    resourceVersion: STRING,
    finalizers: STRINGS,
  }),
  spec: record("kubernetes.NamespaceSpec", { finalizers: STRINGS }),
  status: record("kubernetes.NamespaceStatus", {
    conditions: listOf(
      record("kubernetes.NamespaceCondition", {
        status: STRING,
        type: STRING,
        lastTransitionTime: TIMESTAMP,
        message: STRING,
        reason: STRING,
      }),
    ),
    phase: STRING,
  }),
});
const jsonPatch = record("JSONPatch", { op: STRING, path: STRING, from: STRING, value: DYN });
/** An object to apply: any part of it is another one, or anything. */
const applied = objectOf("Object", () => DYN);

export function expressionEnvironment(scope: ExpressionScope): CelEnvironment {
  const { hasParams, hasAuthorizer, variables, makesPatches } = scope;
  return celEnvironment()
    .withBudget(EXPRESSIONS_SIZE_MAX)
    .with(
      {
        object: DYN,
        oldObject: DYN,
        request: admissionRequest,
        namespaceObject: namespace,
        ...(hasParams ? { params: DYN } : {}),
        ...(hasAuthorizer
          ? {
              authorizer: objectOf("kubernetes.authorization.Authorizer"),
              "authorizer.requestResource": objectOf("kubernetes.authorization.ResourceCheck"),
            }
          : {}),
        ...(variables ? { variables: objectOf("kubernetes.variables", (name) => variables.get(name)) } : {}),
      },
      makesPatches ? structOf : undefined,
    );
}

function structOf(name: string): CelType | undefined {
  if (name === "JSONPatch") return jsonPatch;
  if (name === "Object") return applied;
  return name.startsWith("Object.") ? objectOf(name, () => DYN) : undefined;
}

/** What an expression must give. "any" takes whatever it is. */
export type Wanted = "bool" | "string" | "string or null" | "Object" | "list(JSONPatch)" | "any";

/** `shown` is the expression as messages quote it, where that is not what is compiled. */
export function expressionErrors(
  environment: CelEnvironment,
  source: string,
  { field, wanted, shown = source }: { field: string; wanted: Wanted; shown?: string },
): FieldError[] {
  const result = environment.compile(source);
  if ("fault" in result) return [fieldError.invalid(field, shown, `compilation failed: ${result.fault}`)];
  if (wanted === "any") return [];
  const given = goTypeName(result.compiled.type);
  const names = wanted === "string or null" ? ["string", "null_type"] : [wanted];
  if (names.includes(given)) return [];
  const must = names.length === 1 ? `${names[0]}` : `one of [${names.join(" ")}]`;
  return [fieldError.invalid(field, shown, `must evaluate to ${must} but got ${given}`)];
}

/** Types as Go's String() names them. */
function goTypeName(type: CelType): string {
  if (type.kind === "null") return "null_type";
  if (type.kind === "duration") return "google.protobuf.Duration";
  if (type.kind === "timestamp") return "google.protobuf.Timestamp";
  if (type.params.length === 0) return typeName(type);
  return `${type.name}(${type.params.map(goTypeName).join(", ")})`;
}

/** What a variable is for the expressions after it: convertCelTypeToDeclType. */
export function variableType(environment: CelEnvironment, source: string): CelType {
  const result = environment.compile(source);
  return "fault" in result ? DYN : declared(result.compiled.type);
}

function declared(type: CelType): CelType {
  const [first = DYN, second = DYN] = type.params;
  if (type.kind === "list") return listOf(declared(first));
  if (type.kind === "map") return mapOf(declared(first), declared(second));
  return ["object", "optional", "type", "error"].includes(type.kind) ? DYN : type;
}
