/** Which level of pod security each mode of a namespace asks for, by its labels (api/helpers.go of k8s.io/pod-security-admission). */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";

/** From the least to the most restrictive. */
const LEVELS = ["privileged", "baseline", "restricted"] as const;
export type Level = (typeof LEVELS)[number];

export interface LevelVersion {
  level: Level;
  /** Of "v1.x"; Infinity is "latest". */
  minor: number;
}

export const MODES = ["enforce", "audit", "warn"] as const;
export type Mode = (typeof MODES)[number];
export type Policy = Readonly<Record<Mode, LevelVersion>>;

export const LABEL_PREFIX = "pod-security.kubernetes.io/";

const LATEST = Number.POSITIVE_INFINITY;
const UNRESTRICTED: LevelVersion = { level: "privileged", minor: LATEST };
export const PRIVILEGED_POLICY: Policy = { enforce: UNRESTRICTED, audit: UNRESTRICTED, warn: UNRESTRICTED };

const LEVEL_FAULT = "must be one of privileged, baseline, restricted";
const VERSION_FAULT = 'must be "latest" or "v1.x"';

/** "restricted:latest", "baseline:v1.25" */
export function levelVersionText({ level, minor }: LevelVersion): string {
  return `${level}:${minor === LATEST ? "latest" : `v1.${minor}`}`;
}

export function compareLevels(a: Level, b: Level): number {
  return LEVELS.indexOf(a) - LEVELS.indexOf(b);
}

export function isFullyPrivileged(policy: Policy): boolean {
  return MODES.every((mode) => policy[mode].level === "privileged");
}

/** Do both let the same pods through? */
export function isEquivalent(a: Policy, b: Policy): boolean {
  return MODES.every((mode) => {
    const [one, other] = [a[mode], b[mode]];
    if (one.level === "privileged" && other.level === "privileged") return true;
    return one.level === other.level && one.minor === other.minor;
  });
}

/**
 * The policy of a namespace, with the faults of its labels. A level that cannot be read counts as restricted where it is enforced, and
 * as privileged where it is not. Who enforces is warned by the same level where nothing else is said.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy,
): { policy: Policy; errors: FieldError[] } {
  const policy = { enforce: { ...defaults.enforce }, audit: { ...defaults.audit }, warn: { ...defaults.warn } };
  const errors: FieldError[] = [];
  let enforces = false;
  for (const mode of MODES) {
    const level = labels?.[LABEL_PREFIX + mode];
    if (level !== undefined) {
      const known = isLevel(level);
      policy[mode].level = known ? level : mode === "enforce" ? "restricted" : "privileged";
      if (mode === "enforce") enforces = known;
      if (!known) errors.push(labelError(mode, level, LEVEL_FAULT));
    }
    const version = labels?.[`${LABEL_PREFIX}${mode}-version`];
    if (version === undefined) continue;
    const minor = minorOf(version);
    policy[mode].minor = minor ?? LATEST;
    if (minor === undefined) errors.push(labelError(`${mode}-version`, version, VERSION_FAULT));
  }
  const { enforce, warn } = policy;
  const silent = labels?.[`${LABEL_PREFIX}warn`] === undefined;
  if (silent && enforces && compareLevels(enforce.level, warn.level) > 0) {
    warn.level = enforce.level;
    if (labels?.[`${LABEL_PREFIX}warn-version`] === undefined) warn.minor = enforce.minor;
  }
  return { policy, errors };
}

export function isLevel(text: string): text is Level {
  return (LEVELS as readonly string[]).includes(text);
}

/** Undefined where it is no version. */
export function minorOf(version: string): number | undefined {
  if (version === "latest") return LATEST;
  const digits = /^v1\.(0|[1-9][0-9]*)$/.exec(version)?.[1];
  const minor = Number(digits);
  return digits !== undefined && Number.isSafeInteger(minor) ? minor : undefined;
}

function labelError(label: string, value: string, why: string): FieldError {
  return fieldError.invalid(`metadata.labels[${LABEL_PREFIX}${label}]`, value, why);
}
