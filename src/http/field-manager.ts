/** Who the changes of a request belong to in metadata.managedFields. */
import { byteLength } from "../machinery/names.ts";
import { writeOptions } from "./write-options.ts";

const PRODUCT_BYTES_MAX = 128;

const ASCII = /^[\x20-\x7e]*$/;
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

/** The manager that the client names, else the product of its User-Agent: `kubectl/v1.36.0 (linux/amd64)` is `kubectl`. */
export function fieldManagerOf(source: { request: Request; query: URLSearchParams }): string {
  const named = source.query.size === 0 ? "" : writeOptions(source).fieldManager;
  return named === "" ? productOf(source.request.headers.get("user-agent") ?? "") : named;
}

/** What comes before the first slash, without what cannot be printed. */
function productOf(userAgent: string): string {
  const slash = userAgent.indexOf("/");
  const product = slash < 0 ? userAgent : userAgent.slice(0, slash);
  if (product.length <= PRODUCT_BYTES_MAX && ASCII.test(product)) return product;
  let out = "";
  for (const character of product) {
    if (character !== " " && UNPRINTABLE.test(character)) continue;
    if (byteLength(out) + byteLength(character) > PRODUCT_BYTES_MAX) break;
    out += character;
  }
  return out;
}
