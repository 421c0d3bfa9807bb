import { textToBase64 } from "../../../machinery/base64.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { Secret } from "./types.ts";
import { validateSecret, validateSecretUpdate } from "./validation.ts";

export const secretKind = defineKind<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Secret",
  columns: [
    nameColumn,
    { name: "Type", type: "string", description: "What the secret is for.", value: ({ type }) => type ?? "" },
    {
      name: "Data",
      type: "string",
      description: "How many keys there are.",
      value: ({ data }) => Object.keys(data ?? {}).length,
    },
    ageColumn,
  ],
  strategy: {
    countsGenerations: false,
    default: defaultSecret,
    validate: validateSecret,
    validateUpdate: validateSecretUpdate,
    fields: ({ type }) => ({ type: type ?? "" }),
  },
});

/** `stringData` is a convenience of writing: it is merged into `data`, where it wins, and forgotten. */
function defaultSecret(secret: Secret): void {
  secret.type ||= "Opaque";
  const { stringData } = secret;
  if (stringData) {
    const written = Object.entries(stringData).map(([key, text]) => [key, textToBase64(text)]);
    secret.data = { ...secret.data, ...Object.fromEntries(written) };
  }
  delete secret.stringData;
}
