import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { realTimers } from "../../test/harness/timers.ts";
import { readLog, type LogOptions } from "./log-reader.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-log-"));
  path = join(folder, "0.log");
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const at = (second: number) => `2026-11-24T00:00:0${second}.000000001Z`;
const LINES = [
  `${at(0)} stdout F one`,
  `${at(1)} stderr F two`,
  `${at(2)} stdout P thr`,
  `${at(2)} stdout F ee`,
  `${at(3)} stdout F `,
  `${at(4)} stdout F füñf`,
];

async function read(options: LogOptions, lines = LINES): Promise<string> {
  await writeFile(path, lines.map((line) => `${line}\n`).join(""));
  return new Response(readLog({ path, running: () => false }, options, realTimers)).text();
}

test.each<[string, LogOptions, string]>([
  ["everything, with partial lines put together", {}, "one\ntwo\nthree\n\nfüñf\n"],
  ["the last lines", { tailLines: 2 }, "\nfüñf\n"],
  ["no lines", { tailLines: 0 }, ""],
  ["more lines than there are", { tailLines: 99 }, "one\ntwo\nthree\n\nfüñf\n"],
  ["since a time", { sinceMs: Date.parse("2026-11-24T00:00:03Z") }, "\nfüñf\n"],
  ["at most so many bytes", { limitBytes: 6 }, "one\ntw"],
  ["one stream", { stream: "stderr" }, "two\n"],
  ["with times", { timestamps: true, tailLines: 4 }, `${at(2)} three\n${at(3)} \n${at(4)} füñf\n`],
])("%s", async (_name, options, expected) => {
  expect(await read(options)).toBe(expected);
});

test("lines that are none are left out", async () => {
  expect(await read({}, ["", "rubbish", ...LINES.slice(0, 1)])).toBe("one\n");
});

test("a log larger than a block comes whole, and its tail is found", async () => {
  const many = Array.from({ length: 5_000 }, (_, i) => `${at(0)} stdout F line ${i} ${"x".repeat(50)}`);
  const text = await read({}, many);
  expect(text.split("\n")).toHaveLength(5_001);
  expect((await read({ tailLines: 3_000 }, many)).split("\n")[0]).toMatch(/^line 2000 /);
});

test("following gives what is written later and ends with the container", async () => {
  await writeFile(path, `${LINES[0]}\n`);
  let running = true;
  const reader = readLog({ path, running: () => running }, { follow: true }, realTimers).getReader();
  const next = async () => new TextDecoder().decode((await reader.read()).value);
  expect(await next()).toBe("one\n");
  // Half a line is not shown before its end.
  await appendFile(path, `${at(5)} stdout F la`);
  await appendFile(path, "ter\n");
  expect(await next()).toBe("later\n");
  await appendFile(path, `${at(6)} stdout F last\n`);
  running = false;
  expect(await next()).toBe("last\n");
  expect((await reader.read()).done).toBe(true);
});

test("a client that goes away ends a follow", async () => {
  await writeFile(path, `${LINES[0]}\n`);
  const reader = readLog({ path, running: () => true }, { follow: true }, realTimers).getReader();
  await reader.read();
  await reader.cancel();
  expect((await reader.read()).done).toBe(true);
});
