/**
 * An object of every published kind as Kubernetes' own serializers write it (src/encoding/facts/bodies): the protobuf decodes to what
 * the JSON decodes to, and the canonical JSON is theirs to the letter.
 */
import { describe, expect, it } from "vitest";
import { kinds } from "../kinds/index.ts";
import { isStatusError } from "../machinery/status-error.ts";
import { withSeed, type Dice } from "../../test/harness/seeded.ts";
import { decodeObject, type Decoded, type MediaType } from "./codec.ts";
import fixture from "./go-bodies.fixture.json" with { type: "json" };

type Body = (typeof fixture)[number];

function decode(body: Uint8Array, mediaType: MediaType, { definition }: Body): Decoded {
  return decodeObject({ body, mediaType, definitionFor: () => definition });
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** Go prints null for a required list that is not there; here it is left out. A free-form part may hold what it likes. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return Array.isArray(value) ? value.map(withoutNulls) : value;
  }
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member)]));
}

const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe("bodies of Kubernetes' serializers", () => {
  it.each(fixture.map((body) => [`${body.apiVersion} ${body.kind}`, body] as const))("%s", (_title, body) => {
    const fromJson = decode(text(body.json), "application/json", body);
    expect(fromJson.faults).toEqual([]);
    expect(JSON.stringify(withoutNulls(fromJson.object))).toBe(JSON.stringify(withoutNulls(body.json)));
    const fromProtobuf = decode(bytesOf(body.protobuf), "application/vnd.kubernetes.protobuf", body);
    expect(fromProtobuf).toEqual(fromJson);
  });

  it("are there for every kind that is served", () => {
    const known = new Set(fixture.map(({ definition }) => definition));
    for (const { schema, kind } of kinds) expect(known.has(schema), kind).toBe(true);
  });
});

describe("damaged bodies", () => {
  it("are refused as the client's fault or decoded, whatever the damage", async () => {
    await withSeed(async (dice) => {
      for (let round = 0; round < 3_000; round++) {
        const body = dice.pick(fixture);
        const damaged = damage(dice, bytesOf(body.protobuf));
        try {
          decode(damaged, "application/vnd.kubernetes.protobuf", body);
        } catch (error) {
          if (!isStatusError(error, "BadRequest")) throw error;
        }
      }
    });
  });

  it("are refused where the object ends too early", () => {
    for (const body of fixture) {
      const whole = bytesOf(body.protobuf);
      // The envelope ends with two empty fields of two bytes each; what comes before is the object.
      const cut = whole.subarray(0, whole.length - 5);
      expect(() => decode(cut, "application/vnd.kubernetes.protobuf", body), body.kind).toThrow();
    }
  });
});

function damage(dice: Dice, bytes: Uint8Array): Uint8Array {
  for (let i = 0; i <= dice.roll(4); i++) {
    const at = 4 + dice.roll(bytes.length - 4);
    if (dice.chance(0.3)) bytes.copyWithin(at, dice.roll(bytes.length));
    else bytes[at] = dice.pick([0, 1, 0x7f, 0x80, 0xff, dice.roll(256)]);
  }
  return dice.chance(0.2) ? bytes.subarray(0, 4 + dice.roll(bytes.length - 4)) : bytes;
}
