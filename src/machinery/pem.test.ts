import { expect, it } from "vitest";
import { pemBlocks } from "./pem.ts";

const block = (type: string, content = "AAAA", end = type) =>
  `-----BEGIN ${type}-----\n${content}\n-----END ${end}-----\n`;

it.each<[string, string, string[]]>([
  ["nothing", "", []],
  ["a block", block("A"), ["A 3"]],
  ["an empty one", "-----BEGIN A-----\n-----END A-----", ["A 0"]],
  ["two, with talk around them", `hello\n${block("A")}between\n${block("B C", "AAAA\nAAAA")}end`, ["A 3", "B C 6"]],
  ["carriage returns", block("A").replaceAll("\n", "\r\n"), ["A 3"]],
  ["headers", block("A", "Proc-Type: 4\n\nAAAA"), ["A 3 headers"]],
  ["another end", block("A", "AAAA", "B"), []],
  ["another end, then a good one", block("A", "AAAA", "B") + block("C"), ["C 3"]],
  ["no base64", block("A", "?"), []],
  ["no end", "-----BEGIN A-----\nAAAA\n", []],
  ["a beginning within a line", ` ${block("A")}`, []],
])("%s", (_, text, expected) => {
  const found = pemBlocks(text);
  expect(found.map(({ type, bytes, hasHeaders }) => `${type} ${bytes.length}${hasHeaders ? " headers" : ""}`)).toEqual(
    expected,
  );
});
