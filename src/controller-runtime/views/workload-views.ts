/** What controllers keep of Deployments and ReplicaSets: a template is kept as its identity only. */
import type { Deployment, DeploymentStatus, DeploymentStrategy } from "../../kinds/apps/deployments/types.ts";
import type { ReplicaSet, ReplicaSetStatus } from "../../kinds/apps/replicasets/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";
import { templateIdentity } from "./template-hash.ts";
import { metaView, type View } from "./view.ts";

export interface ReplicaSetView extends View {
  replicas: number;
  minReadySeconds: number;
  selector: LabelSelector;
  templateLabels: Readonly<Record<string, string>>;
  templateIdentity: string;
  status: ReplicaSetStatus;
}

export interface DeploymentView extends View {
  replicas: number;
  minReadySeconds: number;
  revisionHistoryLimit: number;
  /** Undefined: none (absent, or the largest number there is). */
  progressDeadlineSeconds: number | undefined;
  paused: boolean;
  strategy: DeploymentStrategy;
  selector: LabelSelector;
  templateLabels: Readonly<Record<string, string>>;
  templateIdentity: string;
  status: DeploymentStatus;
}

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const NO_DEADLINE = 2_147_483_647;
const NO_LABELS: Readonly<Record<string, string>> = {};

export function replicaSetView(object: KubeObject): ReplicaSetView {
  const { metadata, spec, status } = object as ReplicaSet;
  return {
    metadata: metaView(metadata, { annotations: (key) => key !== LAST_APPLIED }),
    replicas: spec.replicas ?? 1,
    minReadySeconds: spec.minReadySeconds ?? 0,
    selector: spec.selector,
    templateLabels: spec.template?.metadata?.labels ?? NO_LABELS,
    templateIdentity: templateIdentity(spec.template),
    status: status ?? { replicas: 0 },
  };
}

export function deploymentView(object: KubeObject): DeploymentView {
  const { metadata, spec, status } = object as Deployment;
  const deadline = spec.progressDeadlineSeconds;
  return {
    metadata: metaView(metadata, { annotations: (key) => key !== LAST_APPLIED }),
    replicas: spec.replicas ?? 1,
    minReadySeconds: spec.minReadySeconds ?? 0,
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
    progressDeadlineSeconds: deadline === undefined || deadline >= NO_DEADLINE ? undefined : deadline,
    paused: spec.paused === true,
    strategy: spec.strategy ?? {},
    selector: spec.selector,
    templateLabels: spec.template.metadata?.labels ?? NO_LABELS,
    templateIdentity: templateIdentity(spec.template),
    status: status ?? {},
  };
}
