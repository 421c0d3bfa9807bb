/** What both kinds of bindings are: pkg/apis/rbac of Kubernetes. */
import { dnsSubdomainFaults, pathSegmentFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor } from "../../machinery/validation.ts";
import { ageColumn, nameColumn, type PrinterColumn } from "../../registry/kind.ts";
import { sameJson } from "../../registry/same-json.ts";
import type { Strategy } from "../../registry/strategy.ts";
import { text, wide } from "../columns.ts";
import { RBAC_GROUP, type RoleBinding, type Subject } from "./types.ts";

const SUBJECT_KINDS = ["ServiceAccount", "User", "Group"];

export const bindingColumns: readonly PrinterColumn<RoleBinding>[] = [
  nameColumn,
  text("Role", "The role that is granted.", ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wide(text("Users", "Users who have the role.", ({ subjects }) => named(subjects, "User"))),
  wide(text("Groups", "Groups that have the role.", ({ subjects }) => named(subjects, "Group"))),
  wide(
    text("ServiceAccounts", "Service accounts that have the role.", ({ subjects }) =>
      named(subjects, "ServiceAccount"),
    ),
  ),
];

function named(subjects: readonly Subject[] | undefined, kind: string): string {
  return (subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === "ServiceAccount" && namespace ? `${namespace}/${name}` : name))
    .join(", ");
}

/** `roleKinds`: what may be granted. */
export function bindingStrategy(options: { roleKinds: readonly string[]; namespaced: boolean }): Strategy<RoleBinding> {
  return {
    countsGenerations: false,
    allowCreateOnUpdate: true,
    default({ roleRef, subjects }) {
      roleRef.apiGroup ||= RBAC_GROUP;
      for (const subject of subjects ?? []) {
        if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup ||= RBAC_GROUP;
      }
    },
    validate: ({ roleRef, subjects = [] }) => [
      ...roleErrors(roleRef, options.roleKinds),
      ...subjects.flatMap((subject, index) => subjectErrors(subject, options.namespaced, `subjects[${index}]`)),
    ],
    validateUpdate: (now, old) =>
      sameJson(now.roleRef, old.roleRef) ? [] : [fieldError.invalid("roleRef", now.roleRef, "cannot change roleRef")],
  };
}

function roleErrors({ apiGroup, kind, name }: RoleBinding["roleRef"], kinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (apiGroup !== RBAC_GROUP) errors.push(fieldError.notSupported("roleRef.apiGroup", apiGroup, [RBAC_GROUP]));
  if (!kinds.includes(kind)) errors.push(fieldError.notSupported("roleRef.kind", kind, kinds));
  if (!name) return [...errors, fieldError.required("roleRef.name")];
  return [...errors, ...invalidFor("roleRef.name", name, pathSegmentFaults(name))];
}

function subjectErrors(subject: Subject, namespaced: boolean, field: string): FieldError[] {
  const { kind, apiGroup = "", name, namespace } = subject;
  const errors = name ? [] : [fieldError.required(`${field}.name`)];
  switch (kind) {
    case "ServiceAccount":
      if (name) errors.push(...invalidFor(`${field}.name`, name, dnsSubdomainFaults(name)));
      if (apiGroup !== "") errors.push(fieldError.notSupported(`${field}.apiGroup`, apiGroup, [""]));
      if (!namespaced && !namespace) errors.push(fieldError.required(`${field}.namespace`));
      return errors;
    case "User":
    case "Group":
      if (apiGroup !== RBAC_GROUP) {
        errors.push(fieldError.notSupported(`${field}.apiGroup`, apiGroup, [RBAC_GROUP]));
      }
      return errors;
    default:
      return [...errors, fieldError.notSupported(`${field}.kind`, kind, SUBJECT_KINDS)];
  }
}
