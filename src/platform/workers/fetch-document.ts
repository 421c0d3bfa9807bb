/** Documents of OIDC issuers on Workers, where nothing private can be reached and the public authorities alone are believed. */
import type { FetchDocument } from "../../authn/oidc/issuer-keys.ts";

export const fetchDocument: FetchDocument = async ({ url, certificateAuthority, bytesMax, timeoutMs }) => {
  if (certificateAuthority !== undefined) throw new Error("no authority but the public ones can be asked for here");
  const response = await fetch(url, {
    headers: { accept: "application/json", "user-agent": "gantry" },
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${new URL(url).origin} answered ${response.status}`);
  }
  return await textOf(response, bytesMax);
};

async function textOf(response: Response, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > bytesMax) throw new Error(`the document has more than ${bytesMax} bytes`);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}
