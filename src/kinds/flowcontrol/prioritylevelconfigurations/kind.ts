import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { countText, text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import { conditionErrors } from "../conditions.ts";
import { MANDATORY_LEVELS } from "../mandatory.ts";
import type { PriorityLevelConfiguration } from "../types.ts";

type Limited = NonNullable<PriorityLevelConfiguration["spec"]["limited"]>;
type LimitResponse = NonNullable<Limited["limitResponse"]>;

const SHARES = 30;
const QUEUING = { handSize: 8, queues: 64, queueLengthLimit: 50 };
const QUEUES_MAX = 10_000_000;
/** Bits of the hash that deals a hand of queues. */
const HASH_BITS_MAX = 60;

export const priorityLevelConfigurationKind = defineKind<PriorityLevelConfiguration>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  namespaced: false,
  schema: "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration",
  columns: [
    nameColumn,
    text("Type", "Limited or exempt.", ({ spec }) => spec.type),
    countText(
      "NominalConcurrencyShares",
      "Its share of all.",
      ({ spec }) => spec.limited?.nominalConcurrencyShares ?? "<none>",
    ),
    countText("Queues", "How many queues it has.", ({ spec }) => queuingOf(spec)?.queues ?? "<none>"),
    countText("HandSize", "How many of them a flow gets.", ({ spec }) => queuingOf(spec)?.handSize ?? "<none>"),
    countText("QueueLengthLimit", "How long each may be.", ({ spec }) => queuingOf(spec)?.queueLengthLimit ?? "<none>"),
    ageColumn,
  ],
  subresources: [statusSubresource],
  strategy: {
    default: defaultLevel,
    prepareForCreate(level) {
      level.status = {};
    },
    validate: validateLevel,
  },
});

function queuingOf({ limited }: PriorityLevelConfiguration["spec"]) {
  return limited?.limitResponse?.queuing;
}

/** pkg/apis/flowcontrol/v1/defaults.go of Kubernetes. */
function defaultLevel({ spec }: PriorityLevelConfiguration): void {
  const { limited, exempt } = spec;
  if (exempt) {
    exempt.nominalConcurrencyShares ??= 0;
    exempt.lendablePercent ??= 0;
  }
  if (!limited) return;
  limited.nominalConcurrencyShares ??= SHARES;
  limited.lendablePercent ??= 0;
  const queuing = limited.limitResponse?.queuing;
  if (!queuing) return;
  for (const name of ["handSize", "queues", "queueLengthLimit"] as const) queuing[name] ||= QUEUING[name];
}

/** pkg/apis/flowcontrol/validation of Kubernetes. */
function validateLevel({ metadata, spec, status }: PriorityLevelConfiguration): FieldError[] {
  const { type, limited, exempt } = spec;
  const errors: FieldError[] = [];
  if ((metadata.name === "exempt") !== (type === "Exempt")) {
    errors.push(fieldError.invalid("spec.type", type, "type must be 'Exempt' if and only if name is 'exempt'"));
  }
  if (type === "Exempt") {
    if (limited) errors.push(fieldError.forbidden("spec.limited", "must be nil if the type is not Limited"));
    if (exempt) errors.push(...shareErrors(exempt, "spec.exempt"));
  } else if (type === "Limited") {
    if (exempt) errors.push(fieldError.forbidden("spec.exempt", "must be nil if the type is Limited"));
    if (limited) errors.push(...limitedErrors(limited, "spec.limited"));
    else errors.push(fieldError.required("spec.limited", "must not be empty when type is Limited"));
  } else {
    errors.push(fieldError.notSupported("spec.type", type, ["Exempt", "Limited"]));
  }
  const fixed = MANDATORY_LEVELS.find((known) => known.metadata.name === metadata.name);
  // How much the exempt level lends is anybody's choice.
  if (fixed && type !== "Exempt" && !sameJson(spec, fixed.spec)) {
    errors.push(fieldError.invalid("spec", spec, `spec of '${metadata.name ?? ""}' must equal the fixed value`));
  }
  return [...errors, ...conditionErrors(status?.conditions ?? [])];
}

function shareErrors(of: { nominalConcurrencyShares?: number; lendablePercent?: number }, field: string): FieldError[] {
  const { nominalConcurrencyShares: shares, lendablePercent: percent } = of;
  const errors: FieldError[] = [];
  if (shares !== undefined && shares < 0) {
    errors.push(fieldError.invalid(`${field}.nominalConcurrencyShares`, shares, "must be a non-negative integer"));
  }
  if (percent !== undefined && (percent < 0 || percent > 100)) {
    errors.push(fieldError.invalid(`${field}.lendablePercent`, percent, "must be between 0 and 100, inclusive"));
  }
  return errors;
}

function limitedErrors(limited: Limited, field: string): FieldError[] {
  const { borrowingLimitPercent: percent, limitResponse = { type: "" } } = limited;
  const errors = [...shareErrors(limited, field), ...responseErrors(limitResponse, `${field}.limitResponse`)];
  if (percent !== undefined && percent < 0) {
    const why = "if specified, must be a non-negative integer";
    errors.push(fieldError.invalid(`${field}.borrowingLimitPercent`, percent, why));
  }
  return errors;
}

function responseErrors({ type, queuing }: LimitResponse, field: string): FieldError[] {
  const at = `${field}.queuing`;
  if (type === "Reject") {
    return queuing ? [fieldError.forbidden(at, "must be nil if limited.limitResponse.type is not Limited")] : [];
  }
  if (type !== "Queue") return [fieldError.notSupported(`${field}.type`, type, ["Queue", "Reject"])];
  if (!queuing) return [fieldError.required(at, "must not be empty if limited.limitResponse.type is Limited")];
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0)
    errors.push(fieldError.invalid(`${at}.queueLengthLimit`, queueLengthLimit, "must be positive"));
  if (queues <= 0) errors.push(fieldError.invalid(`${at}.queues`, queues, "must be positive"));
  else if (queues > QUEUES_MAX) {
    errors.push(fieldError.invalid(`${at}.queues`, queues, `must not be greater than ${QUEUES_MAX}`));
  }
  if (handSize <= 0) errors.push(fieldError.invalid(`${at}.handSize`, handSize, "must be positive"));
  else if (handSize > queues) {
    errors.push(fieldError.invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`));
  } else if (entropyBits(queues, handSize) > HASH_BITS_MAX) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS_MAX}`;
    errors.push(fieldError.invalid(`${at}.handSize`, handSize, why));
  }
  return errors;
}

/** How many bits it takes to deal a hand from a deck that holds it. No more are counted than decide the matter: each card is a bit at least. */
function entropyBits(deck: number, hand: number): number {
  let bits = 0;
  for (let index = 0; index < hand && bits <= HASH_BITS_MAX; index += 1) bits += Math.log2(deck - index);
  return Math.ceil(bits);
}
