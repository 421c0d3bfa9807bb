/**
 * Objects of every kind in the shapes that people really use, one after another as a chart has them. They are data of the suites:
 * sent, read back and held against what was sent, and the seeds of the generator of bad input.
 */
import { loadYaml } from "../../src/encoding/yaml.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { access } from "./access.ts";
import { configuration } from "./configuration.ts";
import { definitions } from "./definitions.ts";
import { deployments } from "./deployments.ts";
import { pods } from "./pods.ts";
import { services } from "./services.ts";
import { stateful } from "./stateful.ts";

export interface Manifest {
  /** "apps/v1 Deployment/web": unique. */
  id: string;
  object: KubeObject & { apiVersion: string; kind: string };
}

const texts = [deployments, pods, stateful, services, configuration, access, definitions];

export const manifests: readonly Manifest[] = texts.flatMap((text) => text.split("\n---\n")).map(read);

function read(text: string): Manifest {
  const object = loadYaml(text).value as Manifest["object"];
  return { id: `${object.apiVersion} ${object.kind}/${object.metadata.name}`, object };
}

/**
 * What a stock server changes of what was sent, by manifest and path: other spellings of the same amount, strings of a Secret that
 * become its data, zero values that Go's types do not tell from absent ones. Undefined: it is not in the answer.
 */
export const changed: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "apps/v1 Deployment/written-loosely": {
    "spec.template.spec.containers[0].resources.requests.cpu": "1",
    "spec.template.spec.containers[0].resources.requests.memory": "1Gi",
    "spec.template.spec.containers[0].resources.limits.cpu": "2500m",
    "spec.template.spec.containers[0].resources.limits.memory": "2G",
  },
  "v1 Secret/from-strings": {
    stringData: undefined,
    data: { "config.yaml": "YXBpVXJsOiBodHRwczovL215LmFwaS5leGFtcGxlLmNvbS9hcGkvdjE=" },
  },
};

/**
 * Where two managers that apply the same conflict on a stock server, too: the field is atomic or an amount, and what is stored has
 * been completed or respelled, so it is not what the second one says.
 */
export const conflicting: readonly string[] = [
  "apps/v1 Deployment/shop-web",
  "apps/v1 Deployment/ingress-nginx-controller",
  "apps/v1 Deployment/mesh-injected",
  "apps/v1 Deployment/written-loosely",
  "apps/v1 StatefulSet/web",
  "apps/v1 StatefulSet/postgresql",
  "apps/v1 StatefulSet/redis-cluster",
  "batch/v1 Job/indexed",
  "v1 Endpoints/external-prometheus",
  "v1 Pod/every-volume",
  "v1 Pod/with-affinity",
  "discovery.k8s.io/v1 EndpointSlice/v6-abc",
  "discovery.k8s.io/v1 EndpointSlice/fqdn-abc",
  "rbac.authorization.k8s.io/v1 RoleBinding/read-secrets",
  "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration/ingress-nginx-admission",
  "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration/istio-sidecar-injector",
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy/demo-policy.example.com",
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy/with-parameters.example.com",
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding/demo-binding-test.example.com",
  "admissionregistration.k8s.io/v1 MutatingAdmissionPolicy/sidecar-policy.example.com",
  "resource.k8s.io/v1 ResourceClaim/first-available",
  "resource.k8s.io/v1 ResourceClaimTemplate/single-gpu",
];

/** Only where both have applied: what was applied (`stringData`) is owned, and not there to be the same. */
export const conflictingAfterApply: readonly string[] = [...conflicting, "v1 Secret/from-strings"];

/**
 * No strategic patches that change nothing: the key that a list is merged by is not unique in it (the number of a port with two
 * protocols), or the data look like a directive of patches.
 */
export const ambiguous: readonly string[] = [
  "apps/v1 Deployment/coredns",
  "apps/v1 ControllerRevision/web-6c7f8d6b5",
  "v1 Service/lb-without-node-ports",
  "v1 Service/prefers-two-families",
];
