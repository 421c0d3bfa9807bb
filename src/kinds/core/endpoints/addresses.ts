/** Addresses that stand for no endpoint: ValidateNonSpecialIP of Kubernetes. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";

/** They mean the node itself or nobody in particular. */
const SPECIAL_ADDRESSES: readonly (readonly [RegExp, string])[] = [
  [/^(0\.0\.0\.0|::)$/, "may not be unspecified"],
  [/^(127\..*|::1)$/, "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
  [/^(169\.254\..*|fe[89ab].:.*)$/i, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
  [/^(224\.0\.0\..*|ff02:.*)$/i, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
];

export function specialAddressErrors(address: string, field: string): FieldError[] {
  const why = SPECIAL_ADDRESSES.find(([range]) => range.test(address))?.[1];
  return why === undefined ? [] : [fieldError.invalid(field, address, why)];
}
