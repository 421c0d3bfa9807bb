/** `kubectl explain` of every kind, with its fields and with the fields of its fields, held against the published specification. */
import { describe, expect, test } from "vitest";
import { REVIEWS } from "../../../src/http/reviews.ts";
import { kinds } from "../../../src/kinds/index.ts";
import type { Kubectl } from "../../harness/kubectl.ts";
import { blocksOf, fieldLinesOf, readExplanations } from "../explained.ts";

const explained = [...kinds, ...REVIEWS].map(({ group, version, plural, kind }) => {
  return { plural, gvk: { group, version, kind }, apiVersion: group === "" ? version : `${group}/${version}` };
});

export function explainingSuite(kubectl: () => Kubectl): void {
  const explanations = readExplanations();

  describe("explain", () => {
    test.each(explained.map((one) => [`${one.apiVersion} ${one.plural}`, one] as const))("%s", async (_, one) => {
      const words = ["explain", one.plural, "--api-version", one.apiVersion];
      const [fields, whole] = await Promise.all([kubectl().ok(words), kubectl().ok([...words, "--recursive"])]);
      expect(blocksOf(fields)).toEqual(explanations.ofFields(one.gvk));
      expect(fieldLinesOf(whole)).toEqual(explanations.recursive(one.gvk));
    });
  });
}
