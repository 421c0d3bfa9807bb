import { formatTime } from "../../../machinery/meta.ts";
import { dns1035LabelFaults, dnsSubdomainFaults, portNumberFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import type { ApiService, ServiceCondition } from "./types.ts";

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1000;
const STATUSES = ["True", "False", "Unknown"];
const SERVICE_PORT = 443;

export const apiServiceKind = defineKind<ApiService>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  namespaced: false,
  schema: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
  categories: ["api-extensions"],
  nameRule: "path-segment",
  columns: [
    nameColumn,
    text("Service", "Who serves it.", ({ spec }) =>
      spec?.service ? `${spec.service.namespace ?? ""}/${spec.service.name ?? ""}` : "Local",
    ),
    text("Available", "Whether it answers.", availableCell),
    ageColumn,
  ],
  subresources: [statusSubresource],
  strategy: {
    countsGenerations: false,
    allowUnconditionalUpdate: false,
    default({ spec }) {
      if (spec?.service) spec.service.port ??= SERVICE_PORT;
    },
    prepareForCreate(service, { nowMs }) {
      service.status = service.spec?.service ? {} : { conditions: [localCondition(formatTime(nowMs))] };
    },
    validate: validateApiService,
    validateUpdate: ({ status }, _old, { subresource }) =>
      subresource === "status"
        ? (status?.conditions ?? []).flatMap(({ status: value }, index) =>
            STATUSES.includes(value)
              ? []
              : [fieldError.notSupported(`status.conditions[${index}].status`, value, STATUSES)],
          )
        : [],
  },
});

/** What nobody else serves is there as long as this server is. */
function localCondition(lastTransitionTime: string): ServiceCondition {
  const message = "Local APIServices are always available";
  return { type: "Available", status: "True", reason: "Local", message, lastTransitionTime };
}

function availableCell({ status }: ApiService): string {
  const condition = (status?.conditions ?? []).find(({ type }) => type === "Available");
  if (!condition) return "Unknown";
  const { status: available, reason } = condition;
  return available === "True" || !reason ? available : `${available} (${reason})`;
}

/** k8s.io/kube-aggregator/pkg/apis/apiregistration/validation. */
function validateApiService({ metadata, spec }: ApiService): FieldError[] {
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0, service } = spec ?? {};
  const errors: FieldError[] = [];
  const name = `${version}.${group}`;
  if (metadata.name !== name) {
    const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`;
    errors.push(fieldError.invalid("metadata.name", metadata.name ?? "", why));
  }
  if (group === "" && version !== "v1") {
    errors.push(fieldError.required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  }
  if (group !== "") errors.push(...invalidFor("spec.group", group, dnsSubdomainFaults(group)));
  errors.push(...invalidFor("spec.version", version, dns1035LabelFaults(version)));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > GROUP_PRIORITY_MAX) {
    const why = `must be positive and less than ${GROUP_PRIORITY_MAX}`;
    errors.push(fieldError.invalid("spec.groupPriorityMinimum", groupPriorityMinimum, why));
  }
  if (versionPriority <= 0 || versionPriority > VERSION_PRIORITY_MAX) {
    const why = `must be positive and less than ${VERSION_PRIORITY_MAX}`;
    errors.push(fieldError.invalid("spec.versionPriority", versionPriority, why));
  }
  return [...errors, ...(service ? serviceErrors(spec ?? {}) : localErrors(spec ?? {}))];
}

type Trust = Pick<NonNullable<ApiService["spec"]>, "service" | "insecureSkipTLSVerify" | "caBundle">;

function localErrors({ caBundle, insecureSkipTLSVerify }: Trust): FieldError[] {
  const errors: FieldError[] = [];
  if (caBundle) {
    const bytes = `${Math.floor((caBundle.length * 3) / 4)} bytes`;
    errors.push(fieldError.invalid("spec.caBundle", bytes, "local APIServices may not have a caBundle"));
  }
  if (insecureSkipTLSVerify) {
    const why = "local APIServices may not have insecureSkipTLSVerify";
    errors.push(fieldError.invalid("spec.insecureSkipTLSVerify", true, why));
  }
  return errors;
}

function serviceErrors({ service = {}, insecureSkipTLSVerify, caBundle }: Trust): FieldError[] {
  const { namespace, name, port = 0 } = service;
  const errors: FieldError[] = [];
  if (!namespace) errors.push(fieldError.required("spec.service.namespace"));
  if (!name) errors.push(fieldError.required("spec.service.name"));
  const faults = portNumberFaults(port);
  if (faults.length > 0) {
    errors.push(fieldError.invalid("spec.service.port", port, `port is not valid: ${faults.join(", ")}`));
  }
  if (insecureSkipTLSVerify && caBundle) {
    errors.push(fieldError.invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present"));
  }
  return errors;
}
