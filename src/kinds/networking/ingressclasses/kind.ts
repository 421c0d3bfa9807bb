import { byteLength, dnsLabelFaults, domainPathFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import { referenceErrors } from "../references.ts";
import type { IngressClass } from "../types.ts";

const CONTROLLER_BYTES_MAX = 250;
const SCOPES = ["Cluster", "Namespace"];

export const ingressClassKind = defineKind<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  namespaced: false,
  schema: "io.k8s.api.networking.v1.IngressClass",
  columns: [
    nameColumn,
    text("Controller", "Who serves it.", ({ spec }) => spec.controller ?? ""),
    text("Parameters", "Where its controller finds more.", parametersCell),
    ageColumn,
  ],
  strategy: {
    default({ spec }) {
      if (spec.parameters) spec.parameters.scope ??= "Cluster";
    },
    validate: validateIngressClass,
    validateUpdate: (now, old) => immutableErrors(now.spec.controller, old.spec.controller, "spec.controller"),
  },
});

function parametersCell({ spec: { parameters } }: IngressClass): string {
  if (!parameters) return "<none>";
  const { apiGroup, kind, name } = parameters;
  return `${kind}${apiGroup === undefined ? "" : `.${apiGroup}`}/${name}`;
}

/** pkg/apis/networking/validation of Kubernetes. */
function validateIngressClass({ spec }: IngressClass): FieldError[] {
  const { controller = "", parameters } = spec;
  const errors: FieldError[] = [];
  if (byteLength(controller) > CONTROLLER_BYTES_MAX) {
    errors.push(fieldError.tooLong("spec.controller", CONTROLLER_BYTES_MAX));
  }
  errors.push(
    ...(controller === ""
      ? [fieldError.required("spec.controller")]
      : invalidFor("spec.controller", controller, domainPathFaults(controller))),
  );
  return parameters ? [...errors, ...parameterErrors(parameters, "spec.parameters")] : errors;
}

function parameterErrors(parameters: NonNullable<IngressClass["spec"]["parameters"]>, field: string): FieldError[] {
  const errors = referenceErrors(parameters, field);
  const { scope = "", namespace } = parameters;
  const at = `${field}.namespace`;
  if (!SCOPES.includes(scope)) return [...errors, fieldError.notSupported(`${field}.scope`, scope, SCOPES)];
  if (scope === "Cluster") {
    return namespace === undefined
      ? errors
      : [...errors, fieldError.forbidden(at, "`parameters.scope` is set to 'Cluster'")];
  }
  if (namespace === undefined) return [...errors, fieldError.required(at, "`parameters.scope` is set to 'Namespace'")];
  return [...errors, ...invalidFor(at, namespace, dnsLabelFaults(namespace))];
}
