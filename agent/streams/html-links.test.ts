/** Links of pages that are seen through a proxy. */
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { createDice } from "../../test/harness/seeded.ts";
import { createLinkRewriter, rewriteLink } from "./html-links.ts";

const context = { prefix: "/api/p/proxy", podHost: "10.1.0.2:8080", requestHost: "api.test" };

describe("links", () => {
  test.each([
    ["/a", "/api/p/proxy/a"],
    ["/", "/api/p/proxy/"],
    ["/a/b/?q=/x#/y", "/api/p/proxy/a/b/?q=/x#/y"],
    ["/a//b/../c", "/api/p/proxy/a/c"],
    ["http://10.1.0.2:8080/a", "/api/p/proxy/a"],
    ["//10.1.0.2:8080/a", "/api/p/proxy/a"],
    ["https://api.test/a", "https://api.test/api/p/proxy/a"],
    ["/api/p/proxy/a", "/api/p/proxy/a"],
    ["https://api.test/api/p/proxy/a", "https://api.test/api/p/proxy/a"],
    ["http://10.1.0.2:9/a", "http://10.1.0.2:9/a"],
    ["https://example.com/a", "https://example.com/a"],
    ["//example.com/a", "//example.com/a"],
    ["a/b", "a/b"],
    ["../a", "../a"],
    ["#x", "#x"],
    ["?q", "?q"],
    ["", ""],
    ["mailto:a@b", "mailto:a@b"],
    ["javascript:/x/", "javascript:/x/"],
    ["data:text/html,/x", "data:text/html,/x"],
    ["http://10.1.0.2:8080", "http://10.1.0.2:8080"],
  ])("%s", (link, expected) => {
    expect(rewriteLink(link, context)).toBe(expected);
  });
});

const PAGES: [string, string][] = [
  ['<a href="/x">/x</a>', '<a href="/api/p/proxy/x">/x</a>'],
  ["<A  HREF = '/x' class=y>", "<A  HREF = '/api/p/proxy/x' class=y>"],
  ["<img src=/x.png>", "<img src=/api/p/proxy/x.png>"],
  ['<img alt="/x" src="/y" srcset="/z">', '<img alt="/x" src="/api/p/proxy/y" srcset="/z">'],
  ['<form action="/go?a=1&amp;b=2">', '<form action="/api/p/proxy/go?a=1&amp;b=2">'],
  ['<div href="/x">', '<div href="/x">'],
  ['<!-- <a href="/x"> --><a href="/y">', '<!-- <a href="/x"> --><a href="/api/p/proxy/y">'],
  [
    `<script src="/x.js">var a = '<a href="/y">'</script><a href="/z">`,
    `<script src="/api/p/proxy/x.js">var a = '<a href="/y">'</script><a href="/api/p/proxy/z">`,
  ],
  ['<a title="a > b" href="/x">', '<a title="a > b" href="/api/p/proxy/x">'],
  ["1 < 2 and <3", "1 < 2 and <3"],
  ["<!DOCTYPE html><p>grüße &lt;</p>", "<!DOCTYPE html><p>grüße &lt;</p>"],
  ['<a href="/x', '<a href="/x'],
  ['<a href="http://example.com/x">', '<a href="http://example.com/x">'],
];

async function rewritten(chunks: Buffer[]): Promise<string> {
  return await text(Readable.from(chunks).pipe(createLinkRewriter(context)));
}

describe("pages", () => {
  test.each(PAGES)("%s", async (page, expected) => {
    expect(await rewritten([Buffer.from(page)])).toBe(expected);
  });

  test("however the bytes arrive", async () => {
    const seed = 20_260_131;
    const dice = createDice(seed);
    const whole = PAGES.slice(0, -2);
    const page = Buffer.from(whole.map(([given]) => given).join("\n"));
    for (let round = 0; round < 200; round++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < page.length;) {
        const length = 1 + dice.roll(12);
        chunks.push(page.subarray(at, at + length));
        at += length;
      }
      expect(await rewritten(chunks), `seed ${seed}, round ${round}`).toBe(whole.map(([, is]) => is).join("\n"));
    }
  });

  test("a tag without an end is passed on, and holds no more than its bound", async () => {
    const page = `<a href="${"x".repeat(300_000)}`;
    expect(
      await rewritten(Array.from({ length: 30 }, (_, i) => Buffer.from(page.slice(i * 10_001, (i + 1) * 10_001)))),
    ).toBe(page.slice(0, 30 * 10_001));
  });
});
