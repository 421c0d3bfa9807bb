import { expect, test } from "vitest";
import { asReceived } from "./as-received.ts";

const FORGED = {
  "X-Remote-User": "admin",
  "x-remote-group": "system:masters",
  "X-REMOTE-EXTRA-SCOPES": "all",
  "X-Forwarded-For": "203.0.113.7",
  "x-forwarded-host": "evil.test",
  Forwarded: "for=203.0.113.7",
  "X-Real-Ip": "203.0.113.7",
  "gantry-client-address": "203.0.113.7",
};

const received = (path: string, headers: Record<string, string>) =>
  Object.fromEntries(asReceived(new Request(`https://api.test${path}`, { headers })).headers);

test("what a client says of itself is taken off, and its own headers stay", () => {
  const own = { accept: "text/html", "cf-connecting-ip": "192.0.2.1" };
  expect(received("/api/v1/pods", { ...FORGED, ...own })).toEqual(own);
});

test("what goes on to a pod says who asks, as Cloudflare knows it", () => {
  const own = { "cf-connecting-ip": "192.0.2.1" };
  expect(received("/api/v1/namespaces/n/pods/p/proxy/x", { ...FORGED, ...own })).toEqual({
    ...own,
    "x-forwarded-for": "192.0.2.1",
  });
  expect(received("/api/v1/namespaces/n/pods/p/proxy/x", FORGED)).toEqual({});
});

test("a request without any of it is handed on as it is", () => {
  const request = new Request("https://api.test/api", { headers: { accept: "text/html" } });
  expect(asReceived(request)).toBe(request);
});
