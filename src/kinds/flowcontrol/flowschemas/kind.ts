import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { countText, text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import type { FlowSchema } from "../types.ts";
import { validateFlowSchema } from "./validation.ts";

const PRECEDENCE = 1000;

export const flowSchemaKind = defineKind<FlowSchema>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  namespaced: false,
  schema: "io.k8s.api.flowcontrol.v1.FlowSchema",
  // The first that matches wins, so they are read from above.
  compareRows: (a, b) =>
    (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0) ||
    ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1),
  columns: [
    nameColumn,
    text("PriorityLevel", "The level of what it matches.", ({ spec }) => spec.priorityLevelConfiguration.name),
    countText("MatchingPrecedence", "Lower ones are asked first.", ({ spec }) => spec.matchingPrecedence ?? 0),
    text("DistinguisherMethod", "What tells flows apart.", ({ spec }) => spec.distinguisherMethod?.type ?? "<none>"),
    ageColumn,
    text(
      "MissingPL",
      "Whether its level is missing.",
      ({ status }) => status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?",
    ),
  ],
  subresources: [statusSubresource],
  strategy: {
    default({ spec }) {
      spec.matchingPrecedence ||= PRECEDENCE;
    },
    prepareForCreate(schema) {
      schema.status = {};
    },
    validate: validateFlowSchema,
  },
});
