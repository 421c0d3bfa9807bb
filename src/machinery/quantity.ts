/**
 * Quantities ("500m", "64Mi", "1e3") without loss: an amount in billionths and the family of suffixes it was written in, after
 * k8s.io/apimachinery/pkg/api/resource. What is finer than a billionth is rounded up (away from zero).
 */

export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface Quantity {
  nano: bigint;
  format: QuantityFormat;
}

const NANO = 1_000_000_000n;
const DECIMAL: ReadonlyMap<string, number> = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const DECIMAL_SUFFIX: ReadonlyMap<number, string> = new Map([...DECIMAL].map(([suffix, power]) => [power, suffix]));
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/** Binary quantities are cut off here, as Kubernetes does. */
const BINARY_MAX = 2n ** 63n - 1n;
/** Longer ones stand for no resource and would only cost time. */
const DIGITS_MAX = 400;
const TEXT_CHARACTERS_MAX = 2 * DIGITS_MAX;

const FORMAT_FAULT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NUMBER_FAULT = "unable to parse numeric part of quantity";
const SUFFIX_FAULT = "unable to parse quantity's suffix";

const PLAIN = /^[0-9]+$/;
const PLAIN_DIGITS_MAX = 15;
const TEXT = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;

/** @throws Error with Kubernetes' text */
export function parseQuantity(text: string): Quantity {
  // What most quantities are.
  if (text.length <= PLAIN_DIGITS_MAX && PLAIN.test(text)) return { nano: BigInt(text) * NANO, format: "DecimalSI" };
  // Digits may belong to the number or to its exponent: the expression tries both for each of them.
  if (text.length > TEXT_CHARACTERS_MAX) throw new Error(NUMBER_FAULT);
  const match = TEXT.exec(text);
  if (!match) throw new Error(FORMAT_FAULT);
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") throw new Error(FORMAT_FAULT);
  if (whole.length + fraction.length > DIGITS_MAX) throw new Error(NUMBER_FAULT);
  const { power, binary, format } = readSuffix(suffix);
  const digits = BigInt(whole + fraction);
  let nano =
    binary === 0n ? shifted(digits, power + 9 - fraction.length) : shifted(digits * binary, 9 - fraction.length);
  let written: QuantityFormat = format;
  if (format === "BinarySI") {
    if (nano > BINARY_MAX * NANO) nano = BINARY_MAX * NANO;
    if (nano > 0n && nano < NANO) written = "DecimalSI";
  }
  return { nano: sign === "-" ? -nano : nano, format: written };
}

/** The same of text that may be no quantity. */
export function readQuantity(text: string): Quantity | undefined {
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}

function readSuffix(suffix: string): { power: number; binary: bigint; format: QuantityFormat } {
  const power = DECIMAL.get(suffix);
  if (power !== undefined) return { power, binary: 0n, format: "DecimalSI" };
  const index = BINARY.indexOf(suffix);
  if (index > 0) return { power: 0, binary: 1024n ** BigInt(index), format: "BinarySI" };
  const exponent = /^[eE]([+-]?[0-9]+)$/.exec(suffix)?.[1];
  if (exponent === undefined || Number(exponent) > DIGITS_MAX) throw new Error(SUFFIX_FAULT);
  return { power: Math.max(Number(exponent), -3 * DIGITS_MAX), binary: 0n, format: "DecimalExponent" };
}

/** digits × 10^power, what is lost on the right rounded up. */
function shifted(digits: bigint, power: number): bigint {
  if (power >= 0) return digits * 10n ** BigInt(power);
  return dividedUp(digits, 10n ** BigInt(-power));
}

/** Rounds away from zero. */
function dividedUp(amount: bigint, by: bigint): bigint {
  const quotient = amount / by;
  if (amount % by === 0n) return quotient;
  return amount < 0n ? quotient - 1n : quotient + 1n;
}

/** Go's canonical form: the largest suffix without a fraction. "1000m" → "1", "0.5" → "500m", "1024Ki" → "1Mi". */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  if (format === "BinarySI") {
    const whole = nano / NANO;
    const small = nano > -1024n * NANO && nano < 1024n * NANO;
    if (!small && nano % NANO === 0n) return formatBinary(whole);
  }
  return formatDecimal(nano, format === "DecimalExponent");
}

function formatBinary(whole: bigint): string {
  let index = 0;
  let rest = whole;
  while (rest % 1024n === 0n && index < BINARY.length - 1) {
    rest /= 1024n;
    index += 1;
  }
  return `${rest}${BINARY[index]}`;
}

function formatDecimal(nano: bigint, asExponent: boolean): string {
  let power = -9;
  let rest = nano;
  const powerMax = asExponent ? Number.POSITIVE_INFINITY : 18;
  while (power < powerMax && rest % 1000n === 0n) {
    rest /= 1000n;
    power += 3;
  }
  if (asExponent) return power === 0 ? String(rest) : `${rest}e${power}`;
  return `${rest}${DECIMAL_SUFFIX.get(power) ?? ""}`;
}

/** The form in which a quantity is stored and served. @throws Error with Kubernetes' text */
export function canonicalQuantity(text: string): string {
  // The commonest ones are canonical already.
  if (/^[1-9][0-9]{0,2}(m|k|M|G|Ki|Mi|Gi|)$/.test(text)) return text;
  return formatQuantity(parseQuantity(text.trim()));
}

/** Negative when a < b, 0 when equal. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** Written in the format of the first, or of the second when the first is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format };
}

/** Thousandths, rounded up: CPU as the scheduler counts it. */
export function milliValue(quantity: Quantity): number {
  return Number(dividedUp(quantity.nano, 1_000_000n));
}

/** Whole units, rounded up: bytes. */
export function value(quantity: Quantity): number {
  return Number(dividedUp(quantity.nano, NANO));
}

/** A quantity of this many bytes, written with binary suffixes. */
export function binaryQuantity(bytes: number): Quantity {
  return { nano: BigInt(Math.ceil(bytes)) * NANO, format: "BinarySI" };
}

/** A quantity of this many thousandths, written with decimal suffixes. */
export function milliQuantity(thousandths: number): Quantity {
  return { nano: BigInt(Math.ceil(thousandths)) * 1_000_000n, format: "DecimalSI" };
}
