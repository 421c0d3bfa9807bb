/** Definitions in the shapes that operators ship: issuers of certificates, monitoring, delivery, gateways, clusters of machines. */
import type {
  CustomResourceDefinition,
  DefinitionVersion,
} from "../../src/kinds/apiextensions/customresourcedefinitions/types.ts";
import type { JsonSchema } from "../../src/schema/custom/json-schema.ts";

const text = (description: string, extra: JsonSchema = {}): JsonSchema => ({ type: "string", description, ...extra });
const object = (properties: Record<string, JsonSchema>, extra: JsonSchema = {}): JsonSchema => ({
  type: "object",
  properties,
  ...extra,
});
const list = (items: JsonSchema, extra: JsonSchema = {}): JsonSchema => ({ type: "array", items, ...extra });
const labels: JsonSchema = { type: "object", additionalProperties: { type: "string" } };
const quantity: JsonSchema = {
  anyOf: [{ type: "integer" }, { type: "string" }],
  pattern:
    "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
  "x-kubernetes-int-or-string": true,
};
const secretKey = object(
  { name: text("Name of the Secret.", { default: "" }), key: text("Its key."), optional: { type: "boolean" } },
  { required: ["key"], "x-kubernetes-map-type": "atomic" },
);
const condition = object(
  {
    type: text("What it is about.", {
      maxLength: 316,
      pattern:
        "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
    }),
    status: { type: "string", enum: ["True", "False", "Unknown"] },
    observedGeneration: { type: "integer", format: "int64", minimum: 0 },
    lastTransitionTime: { type: "string", format: "date-time" },
    reason: { type: "string", maxLength: 1024, minLength: 1, pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$" },
    message: { type: "string", maxLength: 32768 },
  },
  { required: ["type", "status", "lastTransitionTime", "reason", "message"] },
);
const conditions = list(condition, { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });

function resource(spec: JsonSchema, status: JsonSchema = object({ conditions })): JsonSchema {
  return object(
    {
      apiVersion: text("The version of this form."),
      kind: text("The kind."),
      metadata: { type: "object" },
      spec,
      status,
    },
    { required: ["spec"], description: "An object." },
  );
}

function definition(
  names: { plural: string; kind: string; shortNames?: string[]; categories?: string[] },
  group: string,
  versions: DefinitionVersion[],
  more: Partial<CustomResourceDefinition["spec"]> = {},
): CustomResourceDefinition {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${names.plural}.${group}`, annotations: { "controller-gen.kubebuilder.io/version": "v0.17.0" } },
    spec: {
      group,
      names: { singular: names.kind.toLowerCase(), listKind: `${names.kind}List`, ...names },
      scope: "Namespaced",
      versions,
      ...more,
    },
  };
}

const served = { name: "v1", served: true, storage: true };
const age = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };

/** Of an issuer of certificates. */
const certificates = definition(
  { plural: "certificates", kind: "Certificate", shortNames: ["cert", "certs"], categories: ["issuing"] },
  "certs.example.com",
  [
    {
      ...served,
      subresources: { status: {} },
      additionalPrinterColumns: [
        { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type == "Ready")].status' },
        { name: "Secret", type: "string", jsonPath: ".spec.secretName" },
        { name: "Issuer", type: "string", jsonPath: ".spec.issuerRef.name", priority: 1 },
        age,
      ],
      selectableFields: [{ jsonPath: ".spec.issuerRef.name" }, { jsonPath: ".spec.secretName" }],
      schema: {
        openAPIV3Schema: resource(
          object(
            {
              secretName: text("Where the key goes."),
              dnsNames: list({ type: "string" }),
              duration: text("How long it is good."),
              isCA: { type: "boolean" },
              issuerRef: object(
                { name: text("Who signs."), kind: text("Its kind."), group: text("Its group.") },
                { required: ["name"] },
              ),
              privateKey: object({
                algorithm: { type: "string", enum: ["RSA", "ECDSA", "Ed25519"] },
                rotationPolicy: { type: "string", enum: ["Never", "Always"], default: "Always" },
                size: { type: "integer" },
              }),
              keystores: object({
                jks: object({ create: { type: "boolean" }, passwordSecretRef: secretKey }, { required: ["create"] }),
              }),
              usages: list({ type: "string", enum: ["signing", "server auth", "client auth"] }),
            },
            { required: ["issuerRef", "secretName"] },
          ),
        ),
      },
    },
  ],
);

/** Of delivery: parts that are whatever they are. */
const applications = definition(
  { plural: "applications", kind: "Application", shortNames: ["app", "apps"] },
  "delivery.example.com",
  [
    {
      name: "v1alpha1",
      served: true,
      storage: true,
      subresources: {},
      additionalPrinterColumns: [
        { name: "Sync Status", type: "string", jsonPath: ".status.sync.status" },
        { name: "Health Status", type: "string", jsonPath: ".status.health.status" },
      ],
      schema: {
        openAPIV3Schema: resource(
          object(
            {
              source: object(
                {
                  repoURL: text("Where from."),
                  helm: object({
                    valuesObject: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                    parameters: list(
                      object({ name: text("Name."), value: text("Value."), forceString: { type: "boolean" } }),
                    ),
                  }),
                  plugin: object({
                    env: list(object({ name: text("Name."), value: text("Value.") }, { required: ["name", "value"] })),
                  }),
                },
                { required: ["repoURL"] },
              ),
              destination: object({ namespace: text("Where to."), server: text("Which cluster.") }),
              ignoreDifferences: list(
                object({ kind: text("Of what."), jsonPointers: list({ type: "string" }) }, { required: ["kind"] }),
              ),
              syncPolicy: object({
                automated: object({ prune: { type: "boolean" } }),
                retry: object({ limit: { type: "integer", format: "int64" } }),
              }),
            },
            { required: ["destination"] },
          ),
          object({
            sync: object({ status: text("Whether it is the same.") }),
            health: object({ status: text("How it is.") }),
            resources: list({ type: "object", "x-kubernetes-preserve-unknown-fields": true }),
          }),
        ),
      },
    },
  ],
);

/** Of gateways: rules in CEL, lists as maps, cost bounded by maxItems. */
const routes = definition({ plural: "routes", kind: "Route", categories: ["gateways"] }, "gateways.example.com", [
  {
    ...served,
    subresources: { status: {} },
    additionalPrinterColumns: [{ name: "Hostnames", type: "string", jsonPath: ".spec.hostnames" }, age],
    schema: {
      openAPIV3Schema: resource(
        object({
          hostnames: list(
            {
              type: "string",
              minLength: 1,
              maxLength: 253,
              pattern: "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            },
            { maxItems: 16, "x-kubernetes-list-type": "atomic" },
          ),
          parentRefs: list(
            object(
              {
                name: { type: "string", minLength: 1, maxLength: 253 },
                namespace: { type: "string", minLength: 1, maxLength: 63 },
                port: { type: "integer", format: "int32", minimum: 1, maximum: 65535 },
                sectionName: { type: "string", minLength: 1, maxLength: 253 },
              },
              { required: ["name"] },
            ),
            {
              maxItems: 32,
              "x-kubernetes-validations": [
                {
                  message: "sectionName must be unique when parentRefs name the same parent",
                  rule: "self.all(p1, self.exists_one(p2, p1.name == p2.name && (has(p1.sectionName) ? has(p2.sectionName) && p1.sectionName == p2.sectionName : !has(p2.sectionName))))",
                },
              ],
            },
          ),
          rules: list(
            object(
              {
                name: { type: "string", maxLength: 253 },
                filters: list(
                  object(
                    {
                      type: { type: "string", enum: ["RequestHeaderModifier", "RequestRedirect", "URLRewrite"] },
                      requestRedirect: object({
                        statusCode: { type: "integer", enum: [301, 302], default: 302 },
                        scheme: { type: "string", enum: ["http", "https"] },
                      }),
                    },
                    {
                      required: ["type"],
                      "x-kubernetes-validations": [
                        {
                          message: "filter.requestRedirect must be specified for RequestRedirect filter.type",
                          rule: "!(!has(self.requestRedirect) && self.type == 'RequestRedirect')",
                        },
                      ],
                    },
                  ),
                  {
                    maxItems: 16,
                    "x-kubernetes-validations": [
                      {
                        message: "RequestRedirect filter cannot be repeated",
                        rule: "self.filter(f, f.type == 'RequestRedirect').size() <= 1",
                      },
                    ],
                  },
                ),
                timeouts: object(
                  {
                    request: { type: "string", pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" },
                    backendRequest: { type: "string", pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" },
                  },
                  {
                    "x-kubernetes-validations": [
                      {
                        message: "backendRequest timeout cannot be longer than request timeout",
                        rule: "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
                      },
                    ],
                  },
                ),
              },
              {
                "x-kubernetes-validations": [
                  {
                    message: "a name must not be changed",
                    rule: "!has(self.name) || self.name != 'reserved'",
                    reason: "FieldValueForbidden",
                    fieldPath: ".name",
                  },
                ],
              },
            ),
            { minItems: 1, maxItems: 16, default: [{}], "x-kubernetes-list-type": "atomic" },
          ),
        }),
      ),
    },
  },
]);

/** Of clusters of machines: two versions and a webhook between them, scale, transition rules. */
const machines = definition(
  { plural: "machinesets", kind: "MachineSet", shortNames: ["ms"] },
  "machines.example.com",
  ["v1alpha1", "v1"].map((name): DefinitionVersion => ({
    name,
    served: true,
    storage: name === "v1",
    ...(name === "v1"
      ? {}
      : { deprecated: true, deprecationWarning: "machines.example.com/v1alpha1 MachineSet is deprecated; use v1" }),
    subresources: {
      status: {},
      scale: {
        specReplicasPath: ".spec.replicas",
        statusReplicasPath: ".status.replicas",
        labelSelectorPath: ".status.selector",
      },
    },
    additionalPrinterColumns: [{ name: "Desired", type: "integer", jsonPath: ".spec.replicas" }, age],
    schema: {
      openAPIV3Schema: resource(
        object(
          {
            clusterName: {
              type: "string",
              minLength: 1,
              maxLength: 63,
              "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "clusterName is immutable" }],
            },
            replicas: { type: "integer", format: "int32", default: 1 },
            ...(name === "v1"
              ? { bootstrap: object({ dataSecretName: { type: "string", nullable: true } }) }
              : { bootstrap: labels }),
            template: object({
              metadata: object({ labels, annotations: labels }),
              spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            }),
            object: {
              type: "object",
              "x-kubernetes-embedded-resource": true,
              "x-kubernetes-preserve-unknown-fields": true,
            },
          },
          { required: ["clusterName"] },
        ),
        object({ replicas: { type: "integer", format: "int32" }, selector: { type: "string" }, conditions }),
      ),
    },
  })),
  {
    conversion: {
      strategy: "Webhook",
      webhook: {
        conversionReviewVersions: ["v1"],
        clientConfig: { service: { namespace: "machines-system", name: "webhook-service", path: "/convert" } },
      },
    },
  },
);

const WORDS =
  "It says what the part is for, which values it may have, what happens where it is absent and since when there is such a part at all. ";

function part(name: string): JsonSchema {
  return text(`${name}: ${WORDS.repeat(8)}`);
}

/** A pod template as monitoring operators have it in every definition: deep, wide, and mostly words. */
function podParts(depth: number): Record<string, JsonSchema> {
  const inner = depth === 0 ? {} : podParts(depth - 1);
  const selector = object({
    matchLabels: labels,
    matchExpressions: list(
      object(
        { key: part("key"), operator: part("operator"), values: list({ type: "string" }) },
        { required: ["key", "operator"] },
      ),
    ),
  });
  const container = object(
    {
      name: part("name"),
      image: part("image"),
      args: list({ type: "string" }),
      env: list(
        object(
          { name: part("name"), value: part("value"), valueFrom: object({ secretKeyRef: secretKey }) },
          { required: ["name"] },
        ),
      ),
      ports: list(
        object(
          { containerPort: { type: "integer", format: "int32" }, protocol: { type: "string", default: "TCP" } },
          { required: ["containerPort"] },
        ),
        { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["containerPort", "protocol"] },
      ),
      resources: object({
        limits: { type: "object", additionalProperties: quantity },
        requests: { type: "object", additionalProperties: quantity },
      }),
      probe: object({
        httpGet: object({ port: { ...quantity, pattern: "^.*$" }, path: part("path") }, { required: ["port"] }),
      }),
      ...inner,
    },
    { required: ["name"] },
  );
  return {
    containers: list(container),
    initContainers: list(container),
    affinity: object({ selector, namespaceSelector: selector, topologyKey: part("topologyKey") }),
    tolerations: list(
      object({ key: part("key"), value: part("value"), tolerationSeconds: { type: "integer", format: "int64" } }),
    ),
  };
}

/** About 700 kB, most of it words. */
const monitors = definition({ plural: "monitors", kind: "Monitor", shortNames: ["mon"] }, "monitoring.example.com", [
  {
    ...served,
    subresources: { status: {}, scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" } },
    schema: {
      openAPIV3Schema: resource(
        object({ replicas: { type: "integer", format: "int32" }, ...podParts(4), storage: object({ size: quantity }) }),
      ),
    },
  },
]);

export const operatorDefinitions: readonly CustomResourceDefinition[] = [
  certificates,
  applications,
  routes,
  machines,
  monitors,
];
