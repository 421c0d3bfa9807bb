/**
 * The one seam between the bytes of a body and an object: parse, find the kind, check and canonicalise by its type.
 * Every fault of the body is a StatusError BadRequest with the text of Kubernetes' API server.
 */
import { apiVersionOf, parseApiVersion, type GroupVersionKind } from "../machinery/gvk.ts";
import type { KubeObject, ObjectMeta } from "../machinery/meta.ts";
import { goQuote } from "../machinery/go-text.ts";
import { ITEMS_MAX } from "../machinery/object-limits.ts";
import { badRequest, StatusError } from "../machinery/status-error.ts";
import { decodeTyped, GoDecodeError, type DecodeWording } from "./canonical.ts";
import { faultsInOrder, JsonSyntaxError, scanJson } from "./json.ts";
import { decodeProtobuf, ProtobufError, readEnvelope } from "./protobuf.ts";
import { loadYaml, YamlSyntaxError } from "./yaml.ts";

export type MediaType = "application/json" | "application/yaml" | "application/vnd.kubernetes.protobuf";

/** The definition of a kind, e.g. "io.k8s.api.apps.v1.Deployment"; undefined for a kind that is not built in. */
export type DefinitionFor = (gvk: GroupVersionKind) => string | undefined;

export interface DecodeInput {
  body: Uint8Array;
  mediaType: MediaType;
  definitionFor: DefinitionFor;
  /** The kind the request is about: stands in for a missing kind or apiVersion, and is named in messages. */
  defaults?: GroupVersionKind;
}

export interface Decoded {
  /** Canonical, with kind and apiVersion. */
  object: KubeObject;
  /**
   * What strict field validation finds, in order of the document: `unknown field "spec.template.spec.containers[0].foo"` (dropped
   * from the object), `duplicate field "spec.replicas"` (the last occurrence won). All duplicates of a YAML body are one fault.
   */
  faults: string[];
}

/** A body without a schema (a patch, a body of a kind that is not built in). */
export interface DecodedRaw {
  value: unknown;
  /** As in Decoded; only duplicates are known without a schema. */
  faults: string[];
}

/** The essence of a content type this codec reads; undefined for another (the caller answers 415). */
export function mediaTypeOf(contentType: string): MediaType | undefined {
  const essence = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  switch (essence) {
    case "":
    case "application/json":
      return "application/json";
    case "application/yaml":
      return "application/yaml";
    case "application/vnd.kubernetes.protobuf":
      return "application/vnd.kubernetes.protobuf";
    default:
      return undefined;
  }
}

/**
 * Decodes a body of a built-in kind. The caller compares the decoded group and version with those of the path, and turns
 * unknown and duplicate fields into warnings or a refusal, as `fieldValidation` asks.
 * @throws StatusError BadRequest
 */
export function decodeObject(input: DecodeInput): Decoded {
  return new BodyDecoder(input).decode();
}

/**
 * The same for a value that is already parsed, such as the result of a patch. Its keys can be no duplicates any more.
 * @throws GoDecodeError: whoever parsed the value knows what to say of it
 */
export function decodeValue(
  value: unknown,
  {
    wording,
    ...input
  }: Pick<DecodeInput, "definitionFor" | "defaults"> & {
    /** Of messages. */
    wording?: DecodeWording;
  },
): Decoded {
  const decoder = new BodyDecoder({ body: new Uint8Array(), mediaType: "application/json", ...input });
  return decoder.decodeParsed(value, wording);
}

/** Parses without a type. @throws StatusError BadRequest */
export function decodeRaw({ body, mediaType }: { body: Uint8Array; mediaType: MediaType }): DecodedRaw {
  try {
    if (mediaType === "application/vnd.kubernetes.protobuf") {
      throw new ProtobufError("protobuf needs a kind to be decoded");
    }
    const parsed = parse(body, mediaType);
    return { value: parsed.value, faults: faultsOf(body, parsed, []) };
  } catch (error) {
    throw isFault(error) ? badRequest(`error decoding body: ${error.message}`, error) : error;
  }
}

/** What `fieldValidation=Strict` says: `strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas"`. */
export function strictDecodingError(faults: readonly string[]): string {
  return `strict decoding error: ${faults.join(", ")}`;
}

const YAML_FAULTS = "yaml: unmarshal errors:\n";

/** One warning a fault; each duplicate of a YAML body has its own. */
export function faultWarnings(faults: readonly string[]): string[] {
  return faults.flatMap((fault) =>
    fault.startsWith(YAML_FAULTS)
      ? fault
          .slice(YAML_FAULTS.length)
          .split("\n")
          .map((line) => line.trim())
      : [fault],
  );
}

/**
 * The refusal of a body under `fieldValidation=Strict`; undefined when nothing is wrong with it.
 * `expected` is the kind of the request.
 */
export function strictRefusal({ object, faults }: Decoded, expectedKind?: string): StatusError | undefined {
  if (faults.length === 0) return undefined;
  const kind = object.kind ?? "";
  const gvk = { ...parseApiVersion(object.apiVersion ?? ""), kind };
  return badRequest(cannotBeHandled(gvk, expectedKind ?? kind, strictDecodingError(faults)));
}

export function unknownField(path: string): string {
  return `unknown field ${goQuote(path)}`;
}

export function duplicateField(path: string): string {
  return `duplicate field ${goQuote(path)}`;
}

function cannotBeHandled(gvk: GroupVersionKind, expectedKind: string, why: string): string {
  return `${gvk.kind} in version ${JSON.stringify(gvk.version)} cannot be handled as a ${expectedKind}: ${why}`;
}

type Fault = JsonSyntaxError | YamlSyntaxError | ProtobufError | GoDecodeError;

/** Is it the body's fault? The message is Go's. */
export function isDecodeFault(error: unknown): error is Error {
  return isFault(error);
}

function isFault(error: unknown): error is Fault {
  return (
    error instanceof JsonSyntaxError ||
    error instanceof YamlSyntaxError ||
    error instanceof ProtobufError ||
    error instanceof GoDecodeError
  );
}

/** What is wrong with the text itself is told with what is wrong with its fields, so it is known late. */
interface Parsed {
  value: unknown;
  /** Of a JSON body: paths. */
  duplicateFields: readonly string[];
  /** Of a YAML body: ready-made. */
  duplicates: readonly string[];
}

function parse(body: Uint8Array, mediaType: MediaType): Parsed {
  if (mediaType === "application/json") return { ...scanJson(body), duplicates: [] };
  return { ...loadYaml(body), duplicateFields: [] };
}

function yamlFault(duplicates: readonly string[]): string[] {
  return duplicates.length === 0 ? [] : [`${YAML_FAULTS}${duplicates.map((line) => `  ${line}`).join("\n")}`];
}

function faultsOf(body: Uint8Array, parsed: Parsed, unknownFields: readonly string[]): string[] {
  const { duplicateFields, duplicates } = parsed;
  if (duplicateFields.length === 0) return [...yamlFault(duplicates), ...unknownFields.map(unknownField)];
  if (unknownFields.length === 0) return duplicateFields.map(duplicateField);
  return faultsInOrder(body, unknownFields).map(({ kind, path }) =>
    kind === "unknown" ? unknownField(path) : duplicateField(path),
  );
}

class BodyDecoder {
  private readonly input: DecodeInput;
  /** Set as soon as it is known: messages change with it. */
  private gvk: GroupVersionKind | undefined;

  constructor(input: DecodeInput) {
    this.input = input;
  }

  decode(): Decoded {
    return this.translating(() => {
      const { body, mediaType } = this.input;
      if (mediaType === "application/vnd.kubernetes.protobuf") return this.protobuf(body);
      const parsed = this.parsed(body, mediaType);
      const { object, unknownFields } = this.typed(parsed.value);
      return { object, faults: faultsOf(body, parsed, unknownFields) };
    });
  }

  decodeParsed(value: unknown, wording?: DecodeWording): Decoded {
    const { object, unknownFields } = this.typed(value, wording);
    return { object, faults: unknownFields.map(unknownField) };
  }

  private translating(decode: () => Decoded): Decoded {
    try {
      return decode();
    } catch (error) {
      if (!isFault(error)) throw error;
      throw badRequest(this.messageOf(error), error);
    }
  }

  private messageOf(error: Fault): string {
    const { defaults, body } = this.input;
    const expected = defaults?.kind ?? this.gvk?.kind ?? "";
    if (this.gvk && this.gvk.kind !== "") return cannotBeHandled(this.gvk, expected, error.message);
    const type = expected === "" ? "" : ` (must be of type ${expected})`;
    return `the object provided is unrecognized${type}: ${error.message} (${summary(body)})`;
  }

  private parsed(body: Uint8Array, mediaType: MediaType): Parsed {
    try {
      return parse(body, mediaType);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      throw new JsonSyntaxError(`couldn't get version/kind; json parse error: ${error.message}`);
    }
  }

  private typed(value: unknown, wording?: DecodeWording): { object: KubeObject; unknownFields: string[] } {
    const sent = typeMetaOf(value);
    const gvk = this.complete(sent);
    const definition = this.definitionOf(gvk);
    const decoded = decodeTyped(value, definition, { itemsMax: ITEMS_MAX, ...(wording ? { wording } : {}) });
    const object = named(decoded.value, gvk);
    if (resetsManagers(value)) object.metadata.managedFields = [];
    return { object, unknownFields: decoded.unknownFields };
  }

  private protobuf(body: Uint8Array): Decoded {
    const { apiVersion, kind, raw } = readEnvelope(body);
    const gvk = this.complete({ apiVersion, kind });
    const definition = this.definitionOf(gvk);
    const decoded = decodeTyped(decodeProtobuf(raw, definition), definition, { itemsMax: ITEMS_MAX });
    return { object: named(decoded.value, gvk), faults: [] };
  }

  /** Fills in what the body does not say from the kind of the request. */
  private complete(sent: { apiVersion: string; kind: string }): GroupVersionKind {
    const slashes = sent.apiVersion.split("/").length - 1;
    if (slashes > 1) throw new GoDecodeError(`unexpected GroupVersion string: ${sent.apiVersion}`);
    const { defaults } = this.input;
    const kind = sent.kind === "" ? (defaults?.kind ?? "") : sent.kind;
    const version = sent.apiVersion === "" && defaults ? defaults : parseApiVersion(sent.apiVersion);
    const gvk = { group: version.group, version: version.version, kind };
    if (kind === "") throw new GoDecodeError(`Object 'Kind' is missing in '${this.text()}'`);
    this.gvk = gvk;
    if (gvk.version === "") throw new GoDecodeError(`Object 'apiVersion' is missing in '${this.text()}'`);
    return gvk;
  }

  private text(): string {
    return new TextDecoder().decode(this.input.body);
  }

  private definitionOf(gvk: GroupVersionKind): string {
    const definition = this.input.definitionFor(gvk);
    if (definition !== undefined) return definition;
    throw new GoDecodeError(
      `no kind ${JSON.stringify(gvk.kind)} is registered for version ${JSON.stringify(apiVersionOf(gvk))} in scheme "gantry"`,
    );
  }
}

/** What Go says when the body is no object at all: it reads these two members first. */
const TYPE_META =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function typeMetaOf(value: unknown): { apiVersion: string; kind: string } {
  if (typeof value !== "object" || Array.isArray(value)) {
    const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw new JsonSyntaxError(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type ${TYPE_META}`,
    );
  }
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
  return { apiVersion: stringOf(apiVersion, "apiVersion"), kind: stringOf(kind, "kind") };
}

function stringOf(value: unknown, field: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  throw new JsonSyntaxError(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go struct field .${field} of type string`,
  );
}

/** An empty list of managers asks for them to be forgotten: it is no absent one, although it is not kept. */
function resetsManagers(value: unknown): boolean {
  const entries = (value as { metadata?: ObjectMeta | null } | null)?.metadata?.managedFields;
  return Array.isArray(entries) && entries.length === 0;
}

/** Kind and apiVersion go first, and are there also when the body left them out. */
function named(value: Record<string, unknown>, gvk: GroupVersionKind): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = value;
  const metadata = (rest["metadata"] ?? {}) as ObjectMeta;
  return { kind: gvk.kind, apiVersion: apiVersionOf(gvk), ...rest, metadata };
}

const SUMMARY_BYTES_MAX = 30;

/** The beginning of a body, for the message: as text when it looks like JSON, in hex otherwise. */
function summary(body: Uint8Array): string {
  if (body.length === 0) return "<empty>";
  const head = body.subarray(0, SUMMARY_BYTES_MAX);
  const more = body.length > SUMMARY_BYTES_MAX ? " ..." : "";
  if (body[0] === 0x7b) return `${new TextDecoder().decode(head)}${more}`;
  return `${Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join("")}${more}`;
}
