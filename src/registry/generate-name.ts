/** Names from `metadata.generateName`, as k8s.io/apiserver/pkg/storage/names makes them. */
import { StatusError, type Named } from "../machinery/status-error.ts";
import { groupResource } from "../machinery/gvk.ts";
import type { Random } from "../platform/platform.ts";

/** No vowels and no look-alikes, so that a suffix is neither a word nor misread. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const BASE_LENGTH_MAX = 63 - SUFFIX_LENGTH;

/** How often a taken name is replaced by another before the client is told to try again. */
export const GENERATE_NAME_TRIES = 8;

export function generateName(base: string, random: Random): string {
  let name = base.slice(0, BASE_LENGTH_MAX);
  for (let i = 0; i < SUFFIX_LENGTH; i++) name += ALPHABET[Math.floor(random.fraction() * ALPHABET.length)];
  return name;
}

export function generateNameConflict(of: Named, name: string): StatusError {
  return new StatusError(
    "AlreadyExists",
    `${groupResource(of.group, of.resource)} "${name}" already exists, the server was not able to generate a unique name for the object`,
    { details: { name, ...(of.group === "" ? {} : { group: of.group }), kind: of.resource, retryAfterSeconds: 1 } },
  );
}
