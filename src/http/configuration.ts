/** The body of an apply: what its manager wants, as YAML or JSON, and what became of it. */
import { decodeRaw, isDecodeFault, faultWarnings, type DecodedRaw } from "../encoding/codec.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { badRequest, isStatusError } from "../machinery/status-error.ts";
import type { BodyType } from "./body-type.ts";
import { assertReadableYaml, readBody } from "./body.ts";
import type { Exchange, Services } from "./exchange.ts";
import { writeOptions } from "./write-options.ts";

export interface Configuration {
  /** As it was sent; anything. */
  value: unknown;
  /** Takes fields of others. */
  force: boolean;
  /** What was merged, in canonical form. @throws StatusError "BadRequest", also for keys that occur twice under Strict */
  decode(merged: unknown, type: BodyType): KubeObject;
}

/** @throws StatusError "BadRequest" when it is neither YAML nor JSON */
export async function readConfiguration(services: Services, exchange: Exchange): Promise<Configuration> {
  const { force = false, fieldValidation } = writeOptions(exchange);
  const body = await readBody(exchange.request);
  assertReadableYaml(body);
  const { value, faults } = parse(body);
  let reported = faults.length === 0 || fieldValidation === "Ignore";
  const report = (): void => {
    if (reported) return;
    reported = true;
    if (fieldValidation !== "Strict") {
      exchange.warnings.push(...faultWarnings(faults));
      return;
    }
    throw badRequest(`error strict decoding patch: error converting YAML to JSON: ${faults.join(", ")}`);
  };
  return {
    value,
    force,
    decode(merged, type) {
      const object = decodeMerged(services, merged, type);
      report();
      return object;
    },
  };
}

function decodeMerged(services: Services, merged: unknown, type: BodyType): KubeObject {
  try {
    return services.bodies.merged(merged, type);
  } catch (error) {
    if (!isDecodeFault(error)) throw error;
    throw badRequest(`failed to convert new object to proper version: ${error.message}`, error);
  }
}

const OPENING_BRACE = 0x7b;

/** JSON is YAML, and much faster to read as what it is. */
function parse(body: Uint8Array): DecodedRaw {
  if (body[0] === OPENING_BRACE) {
    try {
      return decodeRaw({ body, mediaType: "application/json" });
    } catch (error) {
      // YAML's own notation of a map may begin with a brace, too.
      if (!isStatusError(error, "BadRequest")) throw error;
    }
  }
  try {
    return decodeRaw({ body, mediaType: "application/yaml" });
  } catch (error) {
    if (!isStatusError(error, "BadRequest")) throw error;
    throw badRequest(error.message.replace(/^error decoding body/, "error decoding patch"), error);
  }
}
