/**
 * PodSecurity: holds pods to the level that their namespace asks for, warns of pod templates that could not become pods there, and of
 * pods that a new level would refuse (k8s.io/pod-security-admission).
 */
import type { Container, Pod, PodSpec, PodTemplateSpec } from "../../kinds/core/pods/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { invalid, type FieldError } from "../../machinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "../admission.ts";
import type { NamespaceRulesReader } from "../namespace-rules.ts";
import { refused } from "../refusal.ts";
import type { PodLike, Violation } from "./check.ts";
import { detailsOf, violationsOf } from "./evaluate.ts";
import { warningsOfPods, type ListPods } from "./existing-pods.ts";
import {
  compareLevels,
  isEquivalent,
  isFullyPrivileged,
  isLevel,
  LABEL_PREFIX,
  levelVersionText,
  minorOf,
  MODES,
  policyOf,
  PRIVILEGED_POLICY,
  type LevelVersion,
  type Mode,
  type Policy,
} from "./policy.ts";

/** `defaults` and `exemptions` of a PodSecurityConfiguration (pod-security.admission.config.k8s.io/v1), as a configuration file has them. */
export interface PodSecurityConfiguration {
  /** For namespaces without labels: `{ enforce: "baseline", "enforce-version": "v1.36" }`. What is absent is "privileged", "latest". */
  defaults?: Partial<Record<Mode | `${Mode}-version`, string>>;
  exemptions?: { usernames?: readonly string[]; namespaces?: readonly string[]; runtimeClasses?: readonly string[] };
}

export interface PodSecurityDeps {
  rules: Pick<NamespaceRulesReader, "of" | "recentOf">;
  listPods: ListPods;
  configuration?: PodSecurityConfiguration;
}

type Exemptions = Required<NonNullable<PodSecurityConfiguration["exemptions"]>>;

/** Subresources that change nothing of what is checked. */
const IGNORED: ReadonlySet<string> = new Set([
  "attach",
  "binding",
  "eviction",
  "exec",
  "log",
  "portforward",
  "proxy",
  "status",
]);

/** @throws TypeError for a level or version in the defaults that is none */
export function createPodSecurity({ rules, listPods, configuration = {} }: PodSecurityDeps): AdmissionPlugin {
  const defaults = defaultPolicy(configuration);
  const exemptions: Exemptions = { usernames: [], namespaces: [], runtimeClasses: [], ...configuration.exemptions };
  return {
    name: "PodSecurity",
    async validate(attributes) {
      const { group, resource, operation } = attributes;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      if (group === "" && resource === "namespaces") await validateNamespace(attributes);
      else if (group === "" && resource === "pods") await validatePod(attributes);
      else await warnOfTemplate(attributes);
    },
  };

  async function validatePod(attributes: AdmissionAttributes): Promise<void> {
    if (IGNORED.has(attributes.subresource) || isExempt(attributes)) return;
    const pod = attributes.object as Pod;
    const old = attributes.operation === "UPDATE" ? (attributes.oldObject as Pod | undefined) : undefined;
    // Of namespaces without a level Kubernetes notes that too; it is not worth a read of the namespace.
    if (old && !changesImages(pod.spec, old.spec)) return;
    const { namespace } = await rules.of(attributes);
    const { policy, errors } = policyOf(namespace?.metadata.labels, defaults);
    if (errors.length === 0 && isFullyPrivileged(policy)) {
      annotate(attributes, "enforce-policy", levelVersionText(policy.enforce));
      return;
    }
    evaluate(attributes, pod, { policy, errors, enforced: true });
  }

  async function warnOfTemplate(attributes: AdmissionAttributes): Promise<void> {
    if (attributes.subresource !== "") return;
    const template = templateOf(attributes);
    if (!template || isExempt(attributes)) return;
    const { namespace } = await rules.recentOf(attributes);
    const { policy, errors } = policyOf(namespace?.metadata.labels, defaults);
    if (errors.length === 0 && policy.warn.level === "privileged" && policy.audit.level === "privileged") return;
    const pod = { metadata: template.metadata ?? {}, spec: template.spec };
    evaluate(attributes, pod, { policy, errors, enforced: false });
  }

  function evaluate(
    attributes: AdmissionAttributes,
    pod: PodLike,
    { policy, errors, enforced }: { policy: Policy; errors: readonly FieldError[]; enforced: boolean },
  ): void {
    const { runtimeClassName } = pod.spec;
    if (runtimeClassName && exemptions.runtimeClasses.includes(runtimeClassName)) {
      annotate(attributes, "exempt", "runtimeClass");
      return;
    }
    if (errors.length > 0) annotate(attributes, "error", `Failed to parse policy: ${aggregateText(errors)}`);
    const found = (asked: LevelVersion): Violation[] => violationsOf(asked, pod);
    const audited = found(policy.audit);
    if (audited.length > 0) {
      annotate(attributes, "audit-violations", `would violate ${levelText(policy.audit, audited)}`);
    }
    if (enforced) {
      annotate(attributes, "enforce-policy", levelVersionText(policy.enforce));
      const violations = found(policy.enforce);
      if (violations.length > 0) {
        throw refused(attributes, `violates ${levelText(policy.enforce, violations)}`);
      }
    }
    const warned = found(policy.warn);
    if (warned.length > 0) attributes.warn(`would violate ${levelText(policy.warn, warned)}`);
  }

  async function validateNamespace(attributes: AdmissionAttributes): Promise<void> {
    if (attributes.subresource !== "") return;
    const { object, oldObject, operation } = attributes;
    const name = object?.metadata.name ?? "";
    const next = policyOf(object?.metadata.labels, defaults);
    const old = operation === "UPDATE" ? policyOf(oldObject?.metadata.labels, defaults) : undefined;
    // What was wrong before may stay as it is.
    const isNewFault = next.errors.length > 0 && JSON.stringify(next.errors) !== JSON.stringify(old?.errors);
    if (isNewFault) throw invalid({ group: "", kind: "Namespace" }, name, next.errors);
    if (old && !isStricter(next.policy.enforce, old.policy.enforce)) return;
    if (exemptions.namespaces.includes(name)) {
      const warning = exemptionWarning(object, next.policy);
      if (warning !== undefined) attributes.warn(warning);
    } else if (old) {
      const found = await warningsOfPods({ namespace: name, enforce: next.policy.enforce, listPods, exemptions });
      for (const warning of found) attributes.warn(warning);
    }
  }

  function isExempt(attributes: AdmissionAttributes): boolean {
    const { user, namespace } = attributes;
    const isNamespace = exemptions.namespaces.includes(namespace);
    if (!isNamespace && !exemptions.usernames.includes(user.name)) return false;
    annotate(attributes, "exempt", isNamespace ? "namespace" : "user");
    return true;
  }

  function exemptionWarning(namespace: KubeObject | undefined, policy: Policy): string | undefined {
    if (isFullyPrivileged(policy) || isEquivalent(policy, defaults)) return undefined;
    const labels = namespace?.metadata.labels ?? {};
    const ignored = MODES.filter((mode) => {
      const says = [LABEL_PREFIX + mode, `${LABEL_PREFIX}${mode}-version`].some((label) => labels[label] !== undefined);
      return says && policy[mode].level !== "privileged";
    }).map((mode) => `${mode}=${levelVersionText(policy[mode])}`);
    return `namespace "${namespace?.metadata.name}" is exempt from Pod Security, and the policy (${ignored.join(", ")}) will be ignored`;
  }
}

/** For the audit log, in the words of k8s.io/pod-security-admission. */
function annotate(attributes: AdmissionAttributes, key: string, text: string): void {
  attributes.annotate?.(LABEL_PREFIX + key, text);
}

/** utilerrors.NewAggregate */
function aggregateText(errors: readonly FieldError[]): string {
  const texts = errors.map(({ field, message }) => `${field}: ${message}`);
  return texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
}

function defaultPolicy({ defaults = {} }: PodSecurityConfiguration): Policy {
  const read = (mode: Mode): LevelVersion => {
    const level = defaults[mode] ?? PRIVILEGED_POLICY[mode].level;
    const minor = minorOf(defaults[`${mode}-version`] ?? "latest");
    if (!isLevel(level) || minor === undefined) throw new TypeError(`pod security: no such default for ${mode}`);
    return { level, minor };
  };
  return { enforce: read("enforce"), audit: read("audit"), warn: read("warn") };
}

/** Another version of the same level may be stricter; a lower level of the same version is not. */
function isStricter(next: LevelVersion, old: LevelVersion): boolean {
  if (next.level === "privileged" || (next.level === old.level && next.minor === old.minor)) return false;
  return next.minor !== old.minor || compareLevels(next.level, old.level) > 0;
}

/** `PodSecurity "baseline:latest": privileged (…)` */
function levelText(asked: LevelVersion, violations: readonly Violation[]): string {
  return `PodSecurity "${levelVersionText(asked)}": ${detailsOf(violations)}`;
}

function differ(a: readonly Container[] = [], b: readonly Container[] = []): boolean {
  return a.length !== b.length || a.some(({ image }, at) => image !== b[at]?.image);
}

/** Other changes of a pod cannot make it violate more. */
function changesImages(next: PodSpec, old: PodSpec): boolean {
  if (differ(next.containers, old.containers) || differ(next.initContainers, old.initContainers)) return true;
  return (next.ephemeralContainers ?? []).some(({ name, image }) => {
    const before = old.ephemeralContainers?.find((one) => one.name === name);
    return !before || before.image !== image;
  });
}

const TEMPLATED: ReadonlySet<string> = new Set([
  "replicationcontrollers",
  "replicasets.apps",
  "deployments.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "jobs.batch",
]);

interface Templated extends KubeObject {
  template?: PodTemplateSpec;
  spec?: { template?: PodTemplateSpec; jobTemplate?: { spec?: { template?: PodTemplateSpec } } };
}

function templateOf({ group, resource, object }: AdmissionAttributes): PodTemplateSpec | undefined {
  const { template, spec } = (object ?? {}) as Partial<Templated>;
  const groupResource = group === "" ? resource : `${resource}.${group}`;
  if (groupResource === "podtemplates") return template;
  if (groupResource === "cronjobs.batch") return spec?.jobTemplate?.spec?.template;
  return TEMPLATED.has(groupResource) ? spec?.template : undefined;
}
