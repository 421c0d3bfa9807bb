/**
 * Documents of OIDC issuers on Node. Where private networks are out of reach, the address that a name leads to is judged where it is
 * dialled, so that no second answer of DNS comes in between.
 */
import { lookup, type LookupAddress } from "node:dns";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { DocumentAsked, FetchDocument } from "../../authn/oidc/issuer-keys.ts";
import { isPublicAddress } from "../../machinery/public-address.ts";

export interface FetchDocumentOptions {
  publicAddressesOnly: boolean;
  /** How names are resolved; the system's way unless a test says otherwise. */
  resolve?: typeof lookup;
}

export function createFetchDocument({ publicAddressesOnly, resolve = lookup }: FetchDocumentOptions): FetchDocument {
  const publicLookup = onlyPublic(resolve);
  return async (asked) => {
    const url = new URL(asked.url);
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    if (publicAddressesOnly && isIP(host) !== 0 && !isPublicAddress(host))
      throw new Error(`${host} is no public address`);
    return await bodyOf(await responseTo(url, asked, publicAddressesOnly ? publicLookup : undefined), asked.bytesMax);
  };
}

/** Rejects for all but 200; a redirect is none. */
function responseTo(
  url: URL,
  { certificateAuthority, timeoutMs }: DocumentAsked,
  lookupOf: LookupFunction | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      // A connection of its own: one that is kept would have been dialled for somebody who may reach more.
      agent: false,
      headers: { accept: "application/json", "accept-encoding": "identity", "user-agent": "gantry" },
      signal: AbortSignal.timeout(timeoutMs),
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
      ...(lookupOf ? { lookup: lookupOf } : {}),
    });
    asked.on("error", reject);
    asked.on("response", (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.destroy();
      reject(new Error(`${url.origin} answered ${response.statusCode}`));
    });
    asked.end();
  });
}

async function bodyOf(response: IncomingMessage, bytesMax: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > bytesMax) {
      response.destroy();
      throw new Error(`the document has more than ${bytesMax} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Fails where any address of the name is private: one that is mixed is up to something. */
function onlyPublic(resolve: typeof lookup): LookupFunction {
  return (hostname, options, answer) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const foreign = addresses?.find(({ address }) => !isPublicAddress(address));
      const [first] = addresses ?? [];
      if (error || !first) answer(error ?? new Error(`${hostname} has no address`), "", 0);
      else if (foreign) answer(new Error(`${hostname} leads to ${foreign.address}, which is no public address`), "", 0);
      else if (options.all) answer(null, addresses);
      else answer(null, first.address, first.family);
    });
  };
}
