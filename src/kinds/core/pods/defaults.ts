/** Defaults of pods and of pod templates: pkg/apis/core/v1/defaults.go of Kubernetes. All functions change their argument. */
import { defaultVolumeSources } from "../volume-defaults.ts";
import { formatQuantity, parseQuantity } from "../../../machinery/quantity.ts";
import type {
  Container,
  LifecycleHandler,
  ObjectFieldSelector,
  Pod,
  PodSpec,
  Probe,
  ResourceList,
  ResourceRequirements,
  Volume,
} from "./types.ts";

const MODE_DEFAULT = 0o644;
const TOKEN_SECONDS_DEFAULT = 3600;

/** What a Pod has beyond its spec's defaults; templates don't get these. */
export function defaultPod(pod: Pod): void {
  const { spec } = pod;
  defaultPodSpec(spec);
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  for (const container of containers) {
    requestWhatIsLimited(container);
    if (spec.hostNetwork !== true) continue;
    for (const port of container.ports ?? []) if (!port.hostPort) port.hostPort = port.containerPort;
  }
  spec.enableServiceLinks ??= true;
}

export function defaultPodSpec(spec: PodSpec): void {
  // Validation refuses a pod without containers; until then everybody may rely on the list.
  spec.containers ??= [];
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const list of [spec.containers, spec.initContainers, spec.ephemeralContainers]) {
    for (const container of list ?? []) defaultContainer(container);
  }
  if (spec.overhead) roundToMilli(spec.overhead);
  defaultResources(spec.resources);
}

function defaultContainer(container: Container): void {
  container.imagePullPolicy ||= isLatest(container.image ?? "") ? "Always" : "IfNotPresent";
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  for (const port of container.ports ?? []) port.protocol ||= "TCP";
  for (const { valueFrom } of container.env ?? []) defaultFieldRef(valueFrom?.fieldRef);
  defaultResources(container.resources);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe);
  }
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
}

/** No tag and no digest means "latest"; a digest alone names no tag. An unreadable reference has none either. */
export function isLatest(image: string): boolean {
  if (image === "") return false;
  const [named = "", digest] = image.split("@");
  const tag = /:([^/:]+)$/.exec(named)?.[1];
  return tag === undefined ? digest === undefined : tag === "latest";
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHandler(probe);
  if (probe.grpc) probe.grpc.service ??= "";
}

function defaultHandler(handler: Pick<LifecycleHandler, "httpGet"> | undefined): void {
  if (!handler?.httpGet) return;
  handler.httpGet.path ||= "/";
  handler.httpGet.scheme ||= "HTTP";
}

function defaultFieldRef(ref: ObjectFieldSelector | undefined): void {
  if (ref) ref.apiVersion ||= "v1";
}

function defaultVolume(volume: Volume): void {
  const { secret, configMap, downwardAPI, projected } = volume;
  if (Object.keys(volume).every((key) => key === "name")) volume.emptyDir = {};
  defaultVolumeSources(volume);
  for (const source of [secret, configMap, downwardAPI, projected]) if (source) source.defaultMode ??= MODE_DEFAULT;
  for (const file of downwardAPI?.items ?? []) defaultFieldRef(file.fieldRef);
  for (const source of projected?.sources ?? []) {
    for (const file of source.downwardAPI?.items ?? []) defaultFieldRef(file.fieldRef);
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS_DEFAULT;
  }
  const image = volume["image"] as { reference?: string; pullPolicy?: string } | undefined;
  if (image) image.pullPolicy ||= isLatest(image.reference ?? "") ? "Always" : "IfNotPresent";
  const claim = volume["ephemeral"] as { volumeClaimTemplate?: { spec?: { volumeMode?: string } } } | undefined;
  if (claim?.volumeClaimTemplate?.spec) claim.volumeClaimTemplate.spec.volumeMode ??= "Filesystem";
}

function defaultResources(resources: ResourceRequirements | undefined): void {
  if (resources?.limits) roundToMilli(resources.limits);
  if (resources?.requests) roundToMilli(resources.requests);
}

/** Resources finer than a thousandth are rounded up. */
function roundToMilli(resources: ResourceList): void {
  for (const [name, text] of Object.entries(resources)) {
    // Canonical text shows such a fraction in its suffix.
    if (!/[nu]$|e-/.test(text)) continue;
    const { nano, format } = parseQuantity(text);
    const rest = nano % 1_000_000n;
    if (rest === 0n) continue;
    resources[name] = formatQuantity({ nano: nano - rest + (nano < 0n ? -1_000_000n : 1_000_000n), format });
  }
}

function requestWhatIsLimited(container: Container): void {
  const { resources } = container;
  if (!resources?.limits) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}
