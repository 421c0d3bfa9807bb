/** Headers and bodies of ordinary answers. Plain header records keep the fast path of the Node server. */

export const JSON_TYPE = "application/json";

export const JSON_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": JSON_TYPE,
  "Cache-Control": "no-cache, private",
};

/** Bodies above this are compressed for clients that accept it; below, gzip costs more than it saves. */
const GZIP_MIN_BYTES = 128 * 1024;

/** Who counts answers. */
export interface Sent {
  /** Characters of the body, before compression. */
  bodyLength: number;
  /** Its beginning: an object's name, for the audit log. */
  answerHead: string;
}

/** Kind and metadata of an object begin it. */
const HEAD_LENGTH = 1_024;

/** Which flow schema and priority level judged a request (`X-Kubernetes-PF-*`). */
export type FlowHeaders = Readonly<Record<string, string>>;

export interface Answer {
  auditId: string;
  flowHeaders: FlowHeaders;
  /** Texts of `Warning: 299` headers. */
  warnings: readonly string[];
  status?: number;
  contentType?: string;
  /** The client's Accept-Encoding, for bodies worth compressing. */
  acceptEncoding?: string | null;
  sent?: Sent | undefined;
}

export function respondText(body: string, answer: Answer): Response {
  if (answer.sent) {
    answer.sent.bodyLength = body.length;
    answer.sent.answerHead = body.slice(0, HEAD_LENGTH);
  }
  const headers: Record<string, string> = {
    "Content-Type": answer.contentType ?? JSON_TYPE,
    "Cache-Control": "no-cache, private",
    "Audit-Id": answer.auditId,
    ...answer.flowHeaders,
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

/** A body in parts, pulled as fast as the client reads; one that fails breaks off. Too large not to be compressed. */
export function respondParts(parts: AsyncGenerator<string>, answer: Omit<Answer, "status">): Response {
  const headers = new Headers({
    "Content-Type": answer.contentType ?? JSON_TYPE,
    "Cache-Control": "no-cache, private",
    "Audit-Id": answer.auditId,
    ...answer.flowHeaders,
  });
  addWarnings(headers, answer.warnings);
  const encoder = new TextEncoder();
  let bytes = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: async () => void (await parts.return(undefined)),
    },
    // Nothing is read ahead.
    { highWaterMark: 0 },
  );
  if (acceptsGzip(answer.acceptEncoding)) {
    headers.set("Content-Encoding", "gzip");
    headers.set("Vary", "Accept-Encoding");
    bytes = bytes.pipeThrough(new CompressionStream("gzip") as TransformStream<Uint8Array, Uint8Array>);
  }
  return new Response(bytes as BodyInit, { headers });
}

function withWarnings(
  body: string,
  { status, headers, warnings }: { status: number; headers: Record<string, string>; warnings: readonly string[] },
): Response {
  const all = new Headers(headers);
  addWarnings(all, warnings);
  return new Response(body, { status, headers: all });
}

function addWarnings(headers: Headers, warnings: readonly string[]): void {
  for (const warning of bounded(warnings)) headers.append("Warning", `299 - ${quoted(warning)}`);
}

const WARNINGS_CHARACTERS_MAX = 4 * 1024;
const WARNING_CHARACTERS_MAX = 256;

/**
 * Each warning once. When they are too much together, each is cut short and those that still do not fit are left out
 * (k8s.io/apiserver/pkg/endpoints/filters/warning.go).
 */
function bounded(warnings: readonly string[]): string[] {
  const all = [...new Set(warnings)].filter((text) => text !== "").map((text) => Array.from(text));
  const total = all.reduce((sum, characters) => sum + characters.length, 0);
  if (total <= WARNINGS_CHARACTERS_MAX) return all.map((characters) => characters.join(""));
  const kept: string[] = [];
  let written = 0;
  for (const characters of all) {
    if (written >= WARNINGS_CHARACTERS_MAX) break;
    const cut = characters.slice(0, WARNING_CHARACTERS_MAX);
    written += cut.length;
    kept.push(cut.join(""));
  }
  return kept;
}

/** A quoted-string of RFC 9110; controls cannot travel in a header, and what is no Latin-1 cannot in every runtime. */
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
