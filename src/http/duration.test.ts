import { expect, it } from "vitest";
import { humanDuration } from "./duration.ts";

const S = 1_000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

it.each([
  [-5 * S, "<invalid>"],
  [-1.5 * S, "0s"],
  [0, "0s"],
  [119 * S, "119s"],
  [2 * M, "2m"],
  [9 * M + 5 * S, "9m5s"],
  [10 * M + 59 * S, "10m"],
  [179 * M, "179m"],
  [3 * H, "3h"],
  [7 * H + 59 * M, "7h59m"],
  [47 * H, "47h"],
  [2 * D, "2d"],
  [7 * D + 23 * H, "7d23h"],
  [8 * D + 5 * H, "8d"],
  [729 * D, "729d"],
  [2 * 365 * D, "2y"],
  [2 * 365 * D + 3 * D, "2y3d"],
  [9 * 365 * D, "9y"],
])("%d ms is %s", (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});
