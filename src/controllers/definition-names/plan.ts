/**
 * Which names of a definition are its own, and what its conditions say: naming_controller.go and apiapproval_controller.go of
 * k8s.io/apiextensions-apiserver/pkg/controller. Nothing serves what definitions define yet, so none is ever Established.
 */
import type { DefinitionView } from "../../controller-runtime/views/definition-view.ts";
import type {
  DefinitionCondition,
  DefinitionNames,
} from "../../kinds/apiextensions/customresourcedefinitions/types.ts";
import { goQuote } from "../../machinery/go-text.ts";

export interface DefinitionStatusPlan {
  /** What is absent is null: it goes from what is stored. */
  acceptedNames: { [K in keyof Required<DefinitionNames>]: DefinitionNames[K] | null };
  /** All of them, each with the time of its last change. */
  conditions: DefinitionCondition[];
}

/** `others` are the definitions of the same group. undefined: what is stored says so already. */
export function planStatus(
  definition: DefinitionView,
  others: readonly DefinitionView[],
  now: string,
): DefinitionStatusPlan | undefined {
  const { accepted, conflict } = acceptedOf(definition, others);
  const names: DefinitionCondition = conflict
    ? { type: "NamesAccepted", status: "False", ...conflict }
    : { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" };
  const known = new Map(definition.conditions.map((condition) => [condition.type, condition]));
  const wanted = [names, establishedOf(known.get("Established"), names), ...(definition.approval ?? [])];
  const changed = wanted.filter((condition) => !isSaid(condition, known.get(condition.type)));
  if (changed.length === 0 && JSON.stringify(accepted) === JSON.stringify(sorted(definition.accepted)))
    return undefined;
  for (const condition of changed) {
    const before = known.get(condition.type);
    const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
    known.set(condition.type, { ...condition, lastTransitionTime: since ?? now });
  }
  const { plural, singular = null, shortNames = null, kind, listKind = null, categories = null } = accepted;
  return {
    acceptedNames: { plural, singular, shortNames, kind, listKind, categories },
    conditions: [...known.values()],
  };
}

interface Conflict {
  reason: string;
  message: string;
}

/** The last conflict is the one that is told; names without one are taken all the same. */
function acceptedOf(
  { names, accepted: own }: DefinitionView,
  others: readonly DefinitionView[],
): { accepted: DefinitionNames; conflict: Conflict | undefined } {
  const all = others.map(({ accepted }) => accepted);
  const resources = new Set(
    all.flatMap(({ plural, singular = "", shortNames = [] }) => [plural, singular, ...shortNames]),
  );
  const kinds = new Set(all.flatMap(({ kind, listKind = "" }) => [kind, listKind]));
  const accepted: DefinitionNames = { ...own };
  let conflict: Conflict | undefined;
  for (const [name, reason, used] of [
    ["plural", "PluralConflict", resources],
    ["singular", "SingularConflict", resources],
  ] as const) {
    const taken = takenName(names[name], own[name], used);
    if (taken) conflict = { reason, message: taken };
    else if (names[name] !== undefined) accepted[name] = names[name];
  }
  const mine = new Set(own.shortNames);
  const shortFaults = (names.shortNames ?? []).flatMap((name) =>
    mine.has(name) ? [] : (takenName(name, "", resources) ?? []),
  );
  if (shortFaults.length > 0) conflict = { reason: "ShortNamesConflict", message: aggregate(shortFaults) };
  else if (names.shortNames) accepted.shortNames = names.shortNames;
  else delete accepted.shortNames;
  for (const [name, reason] of [
    ["kind", "KindConflict"],
    ["listKind", "ListKindConflict"],
  ] as const) {
    const taken = takenName(names[name], own[name], kinds);
    if (taken) conflict = { reason, message: taken };
    else if (names[name] !== undefined) accepted[name] = names[name];
  }
  if (names.categories) accepted.categories = names.categories;
  else delete accepted.categories;
  return { accepted: sorted(accepted), conflict };
}

function takenName(wanted: string | undefined, own: string | undefined, used: ReadonlySet<string>): string | undefined {
  if (!wanted || wanted === own || !used.has(wanted)) return undefined;
  return `${goQuote(wanted)} is already in use`;
}

/** Several errors as Go's aggregate prints them. */
function aggregate(messages: readonly string[]): string {
  const unique = [...new Set(messages)];
  return unique.length === 1 ? (unique[0] ?? "") : `[${unique.join(", ")}]`;
}

function establishedOf(known: DefinitionCondition | undefined, { status }: DefinitionCondition): DefinitionCondition {
  if (status === "True" && known?.status !== "True") {
    return {
      type: "Established",
      status: "False",
      reason: "Installing",
      message: "the initial names have been accepted",
    };
  }
  return (
    known ?? { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" }
  );
}

function isSaid(wanted: DefinitionCondition, known: DefinitionCondition | undefined): boolean {
  return known?.status === wanted.status && known.reason === wanted.reason && known.message === wanted.message;
}

/** In one order, so that texts can be compared. */
function sorted(names: DefinitionNames): DefinitionNames {
  const { plural, singular, shortNames, kind, listKind, categories } = names;
  const all = { plural, singular, shortNames, kind, listKind, categories };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined && value !== ""),
  ) as unknown as DefinitionNames;
}
