import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { flag, text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import type { CsiDriver } from "../types.ts";

const FS_GROUP_POLICIES = ["File", "None", "ReadWriteOnceWithFSType"];
const LIFECYCLE_MODES = ["Persistent", "Ephemeral"];
const PERIOD_SECONDS_MIN = 10;
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

export const csiDriverKind = defineKind<CsiDriver>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIDriver",
  plural: "csidrivers",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.CSIDriver",
  answersDeleted: true,
  columns: [
    nameColumn,
    flag("AttachRequired", "Whether its volumes are attached first.", ({ spec }) => spec.attachRequired ?? true),
    flag("PodInfoOnMount", "Whether it is told of the pod.", ({ spec }) => spec.podInfoOnMount ?? false),
    flag("StorageCapacity", "Whether it says how much room there is.", ({ spec }) => spec.storageCapacity ?? false),
    text("TokenRequests", "Whom it gets tokens for.", ({ spec }) =>
      spec.tokenRequests ? spec.tokenRequests.map(({ audience }) => audience).join(",") : "<unset>",
    ),
    flag("RequiresRepublish", "Whether it is called again and again.", ({ spec }) => spec.requiresRepublish ?? false),
    text("Modes", "What volumes it has.", ({ spec }) => spec.volumeLifecycleModes?.join(",") || "<none>"),
    ageColumn,
  ],
  strategy: {
    allowUnconditionalUpdate: false,
    default({ spec }) {
      spec.attachRequired ??= true;
      spec.podInfoOnMount ??= false;
      spec.storageCapacity ??= false;
      spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
      if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ["Persistent"];
      spec.requiresRepublish ??= false;
      spec.seLinuxMount ??= false;
    },
    validate: validateDriver,
    validateUpdate: (now, old) => [
      // Kubernetes itself names the field so.
      ...immutableErrors(now.spec.attachRequired, old.spec.attachRequired, "spec.attachedRequired"),
      ...immutableErrors(now.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, "spec.volumeLifecycleModes"),
    ],
  },
});

/** pkg/apis/storage/validation of Kubernetes. */
function validateDriver({ spec }: CsiDriver): FieldError[] {
  const { fsGroupPolicy: policy, volumeLifecycleModes: modes = [] } = spec;
  const { nodeAllocatableUpdatePeriodSeconds: period } = spec;
  const errors: FieldError[] = [];
  if (policy !== undefined && !FS_GROUP_POLICIES.includes(policy)) {
    errors.push(fieldError.notSupported("spec.fsGroupPolicy", policy, FS_GROUP_POLICIES));
  }
  errors.push(...tokenErrors(spec.tokenRequests ?? [], "spec.tokenRequests"));
  for (const mode of modes) {
    if (LIFECYCLE_MODES.includes(mode)) continue;
    errors.push(fieldError.notSupported("spec.volumeLifecycleModes", mode, LIFECYCLE_MODES));
  }
  if (period !== undefined && period < PERIOD_SECONDS_MIN) {
    const why = `must be greater than or equal to ${PERIOD_SECONDS_MIN} seconds`;
    errors.push(fieldError.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, why));
  }
  return errors;
}

function tokenErrors(requests: NonNullable<CsiDriver["spec"]["tokenRequests"]>, field: string): FieldError[] {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience, expirationSeconds: seconds }, index) => {
    const at = `${field}[${index}]`;
    if (audiences.has(audience)) return [fieldError.duplicate(`${at}.audience`, audience)];
    audiences.add(audience);
    if (seconds === undefined) return [];
    const refuse = (why: string) => [fieldError.invalid(`${at}.expirationSeconds`, seconds, why)];
    if (seconds < TOKEN_SECONDS_MIN) return refuse("may not specify a duration less than 10 minutes");
    return seconds > TOKEN_SECONDS_MAX ? refuse("may not specify a duration larger than 2^32 seconds") : [];
  });
}
