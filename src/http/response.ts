/** Headers and bodies of ordinary answers. Plain header records keep the fast path of the Node server. */

export const JSON_TYPE = "application/json";
export const JSON_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": JSON_TYPE,
  "Cache-Control": "no-cache, private",
};

/** Bodies above this are compressed for clients that accept it; below, gzip costs more than it saves. */
const GZIP_MIN_BYTES = 128 * 1024;

export interface Answer {
  auditId: string;
  /** Texts of `Warning: 299` headers. */
  warnings: readonly string[];
  status?: number;
  contentType?: string;
  /** The client's Accept-Encoding, for bodies worth compressing. */
  acceptEncoding?: string | null;
}

export function respondText(body: string, answer: Answer): Response {
  const headers: Record<string, string> = {
    "Content-Type": answer.contentType ?? JSON_TYPE,
    "Cache-Control": "no-cache, private",
    "Audit-Id": answer.auditId,
  };
  const status = answer.status ?? 200;
  if (answer.warnings.length > 0) return withWarnings(body, { status, headers, warnings: answer.warnings });
  if (body.length > GZIP_MIN_BYTES && acceptsGzip(answer.acceptEncoding)) {
    headers["Content-Encoding"] = "gzip";
    headers["Vary"] = "Accept-Encoding";
    const compressed = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Response(compressed, { status, headers });
  }
  return new Response(body, { status, headers });
}

function withWarnings(
  body: string,
  { status, headers, warnings }: { status: number; headers: Record<string, string>; warnings: readonly string[] },
): Response {
  const all = new Headers(headers);
  for (const warning of new Set(warnings)) all.append("Warning", `299 - ${quoted(warning)}`);
  return new Response(body, { status, headers: all });
}

/** A quoted-string of RFC 9110; line breaks and other controls cannot travel in a header. */
function quoted(text: string): string {
  // oxlint-disable-next-line no-control-regex -- removing controls is the point
  const printable = text.replace(/[\u0000-\u001f\u007f]+/g, " ");
  return `"${printable.replace(/[\\"]/g, "\\$&").replace(/[^\u0020-\u00ff]/g, "?")}"`;
}

export function acceptsGzip(acceptEncoding: string | null | undefined): boolean {
  if (!acceptEncoding) return false;
  return acceptEncoding.split(",").some((entry) => {
    const [coding = "", ...params] = entry.split(";").map((part) => part.trim().toLowerCase());
    return (coding === "gzip" || coding === "*") && !params.some((param) => /^q=0(\.0*)?$/.test(param));
  });
}
