/** The arithmetic of ResourceQuotas (k8s.io/apiserver/pkg/quota/v1): what is charged, and whether there is enough. */
import { addQuantities, compareQuantities, formatQuantity, readQuantity, type Quantity } from "./quantity.ts";

/** Canonical quantities by resource. */
type Amounts = Readonly<Record<string, string>>;

export interface QuotaStatus {
  hard?: Amounts;
  used?: Amounts;
}

const ZERO: Quantity = { nano: 0n, format: "DecimalSI" };

export type Charged =
  /** What is used then: the very same object where nothing changes. */
  | { used: Amounts | undefined }
  /** `requested: pods=1, used: pods=2, limited: pods=2` */
  | { exceeded: string };

/** Resources that the quota does not limit do not count. Negative amounts give back, never below zero. */
export function chargeQuota(status: QuotaStatus, usage: Amounts): Charged {
  const { hard = {}, used = {} } = status;
  const changed: Record<string, string> = {};
  const exceeded: string[] = [];
  for (const [name, text] of Object.entries(usage)) {
    const most = hard[name];
    const amount = amountOf(text);
    if (most === undefined || amount.nano === 0n) continue;
    const sum = addQuantities(amountOf(used[name]), amount);
    if (amount.nano > 0n && compareQuantities(sum, amountOf(most)) > 0) exceeded.push(name);
    changed[name] = formatQuantity(sum.nano < 0n ? ZERO : sum);
  }
  if (exceeded.length > 0) {
    const shown = (amounts: Amounts) =>
      exceeded
        .toSorted()
        .flatMap((name) => (amounts[name] === undefined ? [] : [`${name}=${amounts[name]}`]))
        .join(",");
    return { exceeded: `requested: ${shown(usage)}, used: ${shown(used)}, limited: ${shown(hard)}` };
  }
  if (Object.keys(changed).length === 0) return { used: status.used };
  const entries = Object.entries({ ...used, ...changed }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { used: Object.fromEntries(entries) };
}

function amountOf(text: string | undefined): Quantity {
  return (text === undefined ? undefined : readQuantity(text)) ?? ZERO;
}
