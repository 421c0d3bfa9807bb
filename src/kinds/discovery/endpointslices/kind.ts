import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { EndpointSlice } from "./types.ts";
import { validateEndpointSlice, validateEndpointSliceUpdate } from "./validation.ts";

/** More than this many are summed up in a cell. */
const SHOWN_MAX = 3;

export const endpointSliceKind = defineKind<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
  schema: "io.k8s.api.discovery.v1.EndpointSlice",
  columns: [
    nameColumn,
    {
      name: "AddressType",
      type: "string",
      description: "What the addresses are.",
      value: ({ addressType }) => addressType,
    },
    {
      name: "Ports",
      type: "string",
      description: "The ports of every endpoint.",
      value: ({ ports }) => summed((ports ?? []).map(({ name, port }) => String(port ?? name ?? "*"))),
    },
    {
      name: "Endpoints",
      type: "string",
      description: "The addresses of the endpoints.",
      value: ({ endpoints }) => summed((endpoints ?? []).flatMap(({ addresses }) => addresses)),
    },
    ageColumn,
  ],
  strategy: {
    default(slice) {
      for (const port of slice.ports ?? []) {
        port.name ??= "";
        port.protocol ??= "TCP";
      }
    },
    validate: validateEndpointSlice,
    validateUpdate: validateEndpointSliceUpdate,
  },
});

function summed(values: readonly string[]): string {
  if (values.length <= SHOWN_MAX) return values.join(",") || "<unset>";
  return `${values.slice(0, SHOWN_MAX).join(",")} + ${values.length - SHOWN_MAX} more...`;
}
