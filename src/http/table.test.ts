import { describe, expect, it } from "vitest";
import { ageColumn, defineKind, nameColumn } from "../registry/kind.ts";
import { createScheme } from "../registry/scheme.ts";
import { tableOf, tableRow } from "./table.ts";

const NOW = Date.parse("2026-01-02T00:00:00Z");
const [gadgets] = createScheme([
  defineKind({
    group: "example.com",
    version: "v1",
    kind: "Gadget",
    plural: "gadgets",
    namespaced: true,
    schema: "",
    columns: [
      nameColumn,
      { name: "Ready", type: "boolean", description: "Is it?", value: (gadget) => gadget["ready"] === true },
      { name: "Size", type: "integer", priority: 1, description: "How large.", value: () => null },
      ageColumn,
    ],
  }),
]).resources;
if (!gadgets) throw new Error("no resource");
const gadget = { metadata: { name: "g", creationTimestamp: "2026-01-01T23:00:00Z" }, ready: true };

describe("tables", () => {
  it("define dates as strings, and whose cells are only for the wide", () => {
    const { columnDefinitions } = tableOf(gadgets, {}, { rows: [], columns: true });
    expect(columnDefinitions).toMatchObject([
      { name: "Name", type: "string", format: "name", priority: 0 },
      { name: "Ready", type: "boolean", format: "", priority: 0 },
      { name: "Size", type: "integer", priority: 1 },
      { name: "Age", type: "string", priority: 0 },
    ]);
  });

  it("turn times into ages", () => {
    const view = { include: "None", nowMs: NOW } as const;
    expect(tableRow(gadgets, gadget, view)).toEqual({ cells: ["g", true, null, "60m"] });
    expect(tableRow(gadgets, { metadata: { name: "g" } }, view).cells.at(-1)).toBe("<unknown>");
  });

  it("carry as much of the object as was asked for", () => {
    expect(tableRow(gadgets, gadget, { include: "Object", nowMs: NOW }).object).toEqual(gadget);
    expect(tableRow(gadgets, gadget, { include: "Metadata", nowMs: NOW }).object).toEqual({
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: gadget.metadata,
    });
  });
});
