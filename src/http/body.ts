/** Request bodies: read with a bound, decoded by content type, checked as strictly as the client asked for. */
import {
  decodeObject,
  decodeValue,
  faultWarnings,
  mediaTypeOf,
  strictRefusal,
  type Decoded,
  type DefinitionFor,
  type MediaType,
} from "../encoding/codec.ts";
import { YAML_BYTES_MAX } from "../encoding/yaml.ts";
import { apiVersionOf, parseApiVersion } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { StatusError, badRequest } from "../machinery/status-error.ts";
import type { Scheme } from "../registry/scheme.ts";
import type { Exchange } from "./exchange.ts";
import { cannotConvert, type BodyType } from "./body-type.ts";
import { decodePatched, type PatchOfBody } from "./patched-object.ts";
import { writeOptions } from "./write-options.ts";

/** What `bodies` needs of an exchange; reviews have no resource. */
export type BodySource = Pick<Exchange, "request" | "query" | "warnings" | "decoded">;

export interface BodyDecoder {
  /** The body as an object of the addressed kind. */
  object(exchange: Exchange): Promise<KubeObject>;
  /** The body as an object of another kind: what subresources and reviews take. */
  typed(source: BodySource, type: BodyType): Promise<KubeObject>;
  /** DeleteOptions; undefined for an empty body. */
  options(source: BodySource): Promise<object | undefined>;
  /**
   * What a patch made of an object. `quiet` leaves out warnings: they were given on the first try.
   * @throws StatusError "Invalid" for what the type does not take, and under Strict for what it does not know
   */
  patched(source: BodySource, value: unknown, as: { type: BodyType; quiet: boolean; patch: PatchOfBody }): KubeObject;
  /** What an apply made of an object. @throws GoDecodeError for what the type does not take */
  merged(value: unknown, type: BodyType): KubeObject;
}

/** As in Kubernetes: twice what its store takes of an object. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

const DELETE_OPTIONS: BodyType = {
  group: "meta.k8s.io",
  version: "v1",
  kind: "DeleteOptions",
  schema: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
};

export function createBodyDecoder(scheme: Scheme): BodyDecoder {
  function definitionFor(type: BodyType): DefinitionFor {
    return (gvk) => {
      if (gvk.kind === type.kind && gvk.group === type.group && gvk.version === type.version) return type.schema;
      return scheme.findKind(gvk)?.kind.schema;
    };
  }

  async function typed(source: BodySource, type: BodyType): Promise<KubeObject> {
    const mediaType = encodingOf(source.request);
    const body = await readBody(source.request);
    if (mediaType === "application/yaml") assertReadableYaml(body);
    const { fieldValidation } = writeOptions(source);
    const decoded = decodeObject({ body, mediaType, definitionFor: definitionFor(type), defaults: type });
    source.decoded?.(decoded.object);
    checkKind(decoded.object, type);
    if (fieldValidation === "Strict") {
      const refusal = strictRefusal(decoded, type.kind);
      if (refusal) throw refusal;
    }
    if (fieldValidation === "Warn") source.warnings.push(...faultWarnings(decoded.faults));
    return decoded.object;
  }

  return {
    typed,
    object: (exchange) => typed(exchange, exchange.resource.kind),
    async options({ request, decoded }) {
      const body = await readBody(request);
      if (body.length === 0) return undefined;
      const { object } = decodeObject({
        body,
        mediaType: encodingOf(request),
        // Every group has its own name for the same options.
        definitionFor: ({ kind }) => (kind === DELETE_OPTIONS.kind ? DELETE_OPTIONS.schema : undefined),
        defaults: DELETE_OPTIONS,
      });
      decoded?.(object);
      return object;
    },
    patched(source, value, { type, quiet, patch }) {
      const { fieldValidation } = writeOptions(source);
      const decoded: Decoded = decodePatched(value, {
        type,
        definitionFor: definitionFor(type),
        patch,
        isStrict: fieldValidation === "Strict",
      });
      if (fieldValidation === "Warn" && !quiet) source.warnings.push(...faultWarnings(decoded.faults));
      return decoded.object;
    },
    merged: (value, type) => decodeValue(value, { definitionFor: definitionFor(type), defaults: type }).object,
  };
}

function encodingOf(request: Request): MediaType {
  const header = request.headers.get("content-type") ?? "";
  // fetch names this type for a string body when its caller names none.
  const mediaType = mediaTypeOf(header.startsWith("text/plain") ? "" : header);
  if (mediaType !== undefined) return mediaType;
  throw unsupported(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]);
}

/** 415 with what would have been taken. */
export function unsupported(accepted: readonly string[]): StatusError {
  return new StatusError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );
}

function tooLarge(bytesMax = BODY_BYTES_MAX): StatusError {
  return new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${bytesMax}`);
}

const BRACE = 0x7b;

/** @throws StatusError "RequestEntityTooLarge" for more YAML than can be read in time; JSON in its place may be as long as ever */
export function assertReadableYaml(body: Uint8Array): void {
  if (body.length > YAML_BYTES_MAX && body[0] !== BRACE) throw tooLarge(YAML_BYTES_MAX);
}

/** @throws StatusError "RequestEntityTooLarge", or "BadRequest" when the client goes away half-way; never holds more than the limit */
export async function readBody(request: Request): Promise<Uint8Array> {
  try {
    return await readWithin(request);
  } catch (cause) {
    if (cause instanceof StatusError) throw cause;
    throw new StatusError("BadRequest", "the body of the request could not be read to its end", { cause });
  }
}

async function readWithin(request: Request): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (declared > BODY_BYTES_MAX) throw tooLarge();
  // The declared length is enforced by the runtime: then the body can be read in one go.
  if (Number.isInteger(declared)) return new Uint8Array(await request.arrayBuffer());
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > BODY_BYTES_MAX) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function checkKind(object: KubeObject, type: BodyType): void {
  const { kind = "", apiVersion = "" } = object;
  if (kind !== type.kind) {
    const { version } = parseApiVersion(apiVersion);
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${type.kind}: ${cannotConvert(object, type)}`,
    );
  }
  const expected = apiVersionOf(type);
  if (apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
}
