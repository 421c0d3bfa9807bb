/** ServiceAccount: every pod runs as an account of its namespace and finds a token of it where client libraries look. */
import { podReferences } from "../kinds/core/pods/pod-references.ts";
import type { Container, Pod, PodSpec, Volume } from "../kinds/core/pods/types.ts";
import type { ServiceAccount } from "../kinds/core/serviceaccounts/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { notFound } from "../machinery/status-error.ts";
import type { Random, Timers } from "../platform/platform.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { isMirrorPod, podOf } from "./pod-request.ts";
import { refused } from "./refusal.ts";

/** Which object; `resource` is a group-resource. */
export interface ObjectName {
  resource: string;
  namespace: string;
  name: string;
}

/**
 * Reads one live object, which is not to be changed; undefined where there is none. For a request it may have been read already, at
 * the earliest when the request came.
 */
export type Lookup = (at: ObjectName, request?: AdmissionAttributes) => Promise<KubeObject | undefined>;

export interface ServiceAccountDeps {
  lookup: Lookup;
  random: Random;
  /** With timers, a pod waits a moment for the "default" account of a namespace that was made just before. */
  timers?: Timers;
}

export const DEFAULT_ACCOUNT = "default";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX = "kube-api-access-";
/** One hour and seven seconds: by the odd number, tokens that nobody asked for can be told from others. */
const TOKEN_SECONDS = 3607;

const LOOKUPS_MAX = 10;
const LOOKUP_INTERVAL_MS = 150;

export function createServiceAccountPlugin(deps: ServiceAccountDeps): AdmissionPlugin {
  return {
    name: "ServiceAccount",
    async mutate(attributes) {
      if (attributes.operation !== "CREATE") return;
      const pod = podOf(attributes);
      if (!pod) return;
      if (isMirrorPod(pod)) {
        // It is what its node runs already.
        const referred = mirrorReference(pod);
        if (referred !== undefined) throw refused(attributes, `a mirror pod may not ${referred}`);
        return;
      }
      const { spec } = pod;
      spec.serviceAccountName ||= spec.serviceAccount || DEFAULT_ACCOUNT;
      spec.serviceAccount = spec.serviceAccountName;
      const account = await findAccount(deps, attributes, spec.serviceAccountName);
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
        mountToken(spec, deps.random);
      }
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
      }
    },
  };
}

function mirrorReference(pod: Pod): string | undefined {
  if (pod.spec.serviceAccountName) return "reference service accounts";
  if (podReferences(pod).secrets.size > 0) return "reference secrets";
  const tokens = pod.spec.volumes?.some(({ projected }) =>
    projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined),
  );
  return tokens ? "use ServiceAccountToken volume projections" : undefined;
}

/** @throws StatusError "Forbidden"; "NotFound" where the namespace is missing, too: nobody will make an account in it */
async function findAccount(
  { lookup, timers }: ServiceAccountDeps,
  attributes: AdmissionAttributes,
  name: string,
): Promise<ServiceAccount> {
  const { namespace } = attributes;
  const lookups = timers && name === DEFAULT_ACCOUNT ? LOOKUPS_MAX : 1;
  for (let attempt = 1; ; attempt++) {
    const read = attempt === 1 ? attributes : undefined;
    const account = await lookup({ resource: "serviceaccounts", namespace, name }, read);
    if (account) return account;
    if (attempt === 1 && !(await lookup({ resource: "namespaces", namespace: "", name: namespace }, read)))
      throw notFound({ group: "", resource: "namespaces" }, namespace);
    if (attempt >= lookups || !timers) break;
    await new Promise<void>((resolve) => timers.after(LOOKUP_INTERVAL_MS, resolve));
  }
  throw refused(
    attributes,
    `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
  );
}

function mountToken(spec: PodSpec, random: Random): void {
  const without = [...(spec.initContainers ?? []), ...spec.containers].filter((container) => !hasMount(container));
  if (without.length === 0) return;
  const volumes = spec.volumes ?? [];
  const existing = volumes.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const name = existing?.name ?? VOLUME_PREFIX + suffix(random);
  for (const container of without) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
  }
  if (!existing) spec.volumes = [...volumes, tokenVolume(name)];
}

function hasMount({ volumeMounts = [] }: Container): boolean {
  return volumeMounts.some(({ mountPath }) => mountPath === MOUNT_PATH);
}

function tokenVolume(name: string): Volume {
  const namespace = { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [namespace] } },
      ],
      defaultMode: 0o644,
    },
  };
}

/** No vowels and no look-alikes, as in generated names. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

function suffix(random: Random): string {
  return Array.from({ length: 5 }, () => ALPHABET[Math.floor(random.fraction() * ALPHABET.length)]).join("");
}
