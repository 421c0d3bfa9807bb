import { defineKind } from "../../../registry/kind.ts";
import { defaultWebhook } from "../defaults.ts";
import type { WebhookConfiguration } from "../types.ts";
import { validateWebhooks, webhookColumns } from "../webhooks.ts";

export const validatingWebhookConfigurationKind = defineKind<WebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
  namespaced: false,
  schema: "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration",
  categories: ["api-extensions"],
  columns: webhookColumns,
  strategy: {
    allowUnconditionalUpdate: false,
    default({ webhooks }) {
      for (const webhook of webhooks ?? []) {
        defaultWebhook(webhook);
      }
    },
    validate: validateWebhooks,
  },
});
