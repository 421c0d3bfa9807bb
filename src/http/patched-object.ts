/**
 * What a patch made of an object, decoded. Faults are told as handlers/patch.go of k8s.io/apiserver tells them: a 422 that shows the
 * patched object, or for a strategic merge patch the patch itself.
 */
import {
  decodeValue,
  isDecodeFault,
  strictDecodingError,
  type Decoded,
  type DefinitionFor,
} from "../encoding/codec.ts";
import { goValue } from "../machinery/go-text.ts";
import { apiVersionOf } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { fieldError, invalid, type StatusError } from "../machinery/status-error.ts";
import { cannotConvert, type BodyType } from "./body-type.ts";

/** Where a patched object comes from. */
export interface PatchOfBody {
  kind: "json" | "merge" | "strategic";
  /** The decoded patch. */
  patch: unknown;
  /** What strict field validation found in the patch itself. */
  faults: readonly string[];
}

/** More of a patched object helps nobody, and quoting it costs. */
const SHOWN_CHARACTERS_MAX = 16 * 1024;

/** Faults of the patch come before those of the object. @throws StatusError "Invalid" */
export function decodePatched(
  value: unknown,
  as: { type: BodyType; definitionFor: DefinitionFor; patch: PatchOfBody; isStrict: boolean },
): Decoded {
  const { type, definitionFor, patch } = as;
  const isStrategic = patch.kind === "strategic";
  const refused = (why: string): StatusError =>
    refusal(isStrategic ? goValue(patch.patch) : JSON.stringify(value), why);
  // What a strategic merge patch says of kind and apiVersion has no effect: its result is one of the type by definition.
  const typed = isStrategic ? typedAs(type, value as Partial<KubeObject>) : value;
  let decoded: Decoded;
  try {
    const wording = isStrategic ? "converter" : "json";
    decoded = decodeValue(typed, { definitionFor, defaults: type, wording });
  } catch (error) {
    if (!isDecodeFault(error)) throw error;
    throw refused(error.message);
  }
  checkType(decoded.object, type, refused);
  const found = isStrategic ? decoded.faults.toSorted() : decoded.faults;
  const faults = [...patch.faults, ...found];
  if (as.isStrict && faults.length > 0) throw refused(strictDecodingError(faults));
  return { object: decoded.object, faults };
}

function typedAs(type: BodyType, value: Partial<KubeObject>): object {
  const { kind } = type;
  const apiVersion = apiVersionOf(type);
  return value.kind === kind && value.apiVersion === apiVersion ? value : { ...value, kind, apiVersion };
}

function refusal(shown: string, why: string): StatusError {
  const cut = shown.length > SHOWN_CHARACTERS_MAX ? `${shown.slice(0, SHOWN_CHARACTERS_MAX)} ...` : shown;
  return invalid({ group: "", kind: "" }, "", [fieldError.invalid("patch", cut, why)]);
}

function checkType(object: KubeObject, type: BodyType, refused: (why: string) => StatusError): void {
  if (object.kind !== type.kind || object.apiVersion !== apiVersionOf(type)) {
    throw refused(cannotConvert(object, type));
  }
}
