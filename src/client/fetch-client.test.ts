import { expect, test } from "vitest";
import { pods, type Pod } from "../kinds/core/pods/types.ts";
import { StatusError, type Status } from "../machinery/status-error.ts";
import type { Fetch } from "./client.ts";
import { createClient } from "./fetch-client.ts";

function clientOf(fetch: Fetch, token: () => string = () => "secret") {
  return createClient({ baseUrl: "https://api", fetch, token, userAgent: "test" });
}

function answering(body: unknown, status = 200): { fetch: Fetch; requests: Request[] } {
  const requests: Request[] = [];
  const fetch: Fetch = async (request) => {
    requests.push(request);
    return new Response(JSON.stringify(body), { status });
  };
  return { fetch, requests };
}

const proxy: Fetch = async () => new Response("<html>bad gateway", { status: 502 });
const broken: Fetch = async () => {
  throw new TypeError("connection refused");
};
const line = (type: string, name: string): string => `${JSON.stringify({ type, object: { metadata: { name } } })}\n`;

const gone: Status = {
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  reason: "Expired",
  code: 410,
  message: "too old",
};

/** A watch whose body comes in these pieces. */
const streaming = (...pieces: string[]): Fetch => {
  const encoder = new TextEncoder();
  return async () =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const piece of pieces) controller.enqueue(encoder.encode(piece));
          controller.close();
        },
      }),
    );
};

async function namesOf(fetch: Fetch, signal = new AbortController().signal): Promise<string[]> {
  const names: string[] = [];
  for await (const event of clientOf(fetch).watch<Pod>(pods, { resourceVersion: "7", signal })) {
    if (event.type !== "ERROR") names.push(`${event.type} ${event.object.metadata.name}`);
  }
  return names;
}

test.each([
  ["get", "GET", "/api/v1/namespaces/n/pods/p/log"],
  ["create", "POST", "/api/v1/namespaces/n/pods"],
  ["update", "PUT", "/api/v1/namespaces/n/pods/p/status"],
  ["patch", "PATCH", "/api/v1/namespaces/n/pods/p"],
  ["delete", "DELETE", "/api/v1/namespaces/n/pods/p"],
  ["binding", "POST", "/api/v1/namespaces/n/pods/p/binding"],
] as const)("%s goes to its path with the token of this moment", async (verb, method, path) => {
  const { fetch, requests } = answering({ metadata: {} });
  const client = clientOf(fetch, () => `token-${requests.length}`);
  const at = { namespace: "n", name: "p" };
  const pod: Pod = { metadata: at, spec: { containers: [] } };
  if (verb === "get") await client.get(pods, at, "log");
  if (verb === "create") await client.create(pods, pod);
  if (verb === "update") await client.update(pods, pod, "status");
  if (verb === "patch") await client.patch(pods, at, "strategic", {});
  if (verb === "delete") await client.delete(pods, at, { gracePeriodSeconds: 0 });
  if (verb === "binding") await client.createSubresource(pods, at, "binding", {});
  const [request] = requests;
  expect([request?.method, new URL(request?.url ?? "").pathname]).toEqual([method, path]);
  expect(request?.headers.get("authorization")).toBe("Bearer token-0");
  if (verb === "patch") expect(request?.headers.get("content-type")).toBe("application/strategic-merge-patch+json");
  if (verb === "delete") expect(await request?.json()).toEqual({ gracePeriodSeconds: 0 });
});

test("a list follows continue tokens to its end and drops them from the answer", async () => {
  const pages: Record<string, unknown> = {
    "": {
      metadata: { resourceVersion: "9", continue: "two", remainingItemCount: 1 },
      items: [{ metadata: { name: "a" } }],
    },
    two: { metadata: { resourceVersion: "9" }, items: [{ metadata: { name: "b" } }] },
  };
  const client = clientOf(
    async (request) => new Response(JSON.stringify(pages[new URL(request.url).searchParams.get("continue") ?? ""])),
  );
  const list = await client.list(pods, { namespace: "n" });
  expect(list.items.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
  expect(list.metadata).toEqual({ resourceVersion: "9" });
});

test("a Status becomes a StatusError; what is no Status keeps its code; who cannot be reached is unavailable", async () => {
  const at = { name: "p" };
  await expect(clientOf(answering(gone, 410).fetch).get(pods, at)).rejects.toMatchObject({
    reason: "Expired",
    code: 410,
    message: "too old",
  });
  await expect(clientOf(proxy).get(pods, at)).rejects.toMatchObject({ reason: "InternalError", code: 502 });
  const error = await clientOf(broken)
    .get(pods, at)
    .catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(StatusError);
  expect(error).toMatchObject({ reason: "ServiceUnavailable" });
});

test("a watch gives one event a line, however the body is cut, also inside a character", async () => {
  const text = line("ADDED", "ä") + line("DELETED", "b");
  const bytes = new TextEncoder().encode(text);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const fetch: Fetch = async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            if (cut > 0) controller.enqueue(bytes.slice(0, cut));
            if (cut < bytes.length) controller.enqueue(bytes.slice(cut));
            controller.close();
          },
        }),
      );
    expect(await namesOf(fetch)).toEqual(["ADDED ä", "DELETED b"]);
  }
});

test("an ERROR event is thrown, after the events before it were given", async () => {
  const fetch = streaming(
    `{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n`,
    `${JSON.stringify({ type: "ERROR", object: gone })}\n`,
  );
  await expect(namesOf(fetch)).rejects.toMatchObject({ reason: "Expired" });
});

test("a signal ends a watch that waits, without an error, and cancels its body", async () => {
  let cancelled = false;
  const fetch: Fetch = async () =>
    new Response(
      new ReadableStream({
        cancel() {
          cancelled = true;
        },
      }),
    );
  const stop = new AbortController();
  const names = namesOf(fetch, stop.signal);
  await new Promise((wake) => setTimeout(wake, 5));
  stop.abort();
  expect(await names).toEqual([]);
  expect(cancelled).toBe(true);
});

test("leaving the loop cancels the body", async () => {
  let cancelled = false;
  const fetch: Fetch = async () =>
    new Response(
      new ReadableStream({
        start: (controller) =>
          controller.enqueue(new TextEncoder().encode(`{"type":"ADDED","object":{"metadata":{}}}\n`)),
        cancel() {
          cancelled = true;
        },
      }),
    );
  const { signal } = new AbortController();
  for await (const event of clientOf(fetch).watch<Pod>(pods, { resourceVersion: "1", signal })) {
    expect(event.type).toBe("ADDED");
    break;
  }
  await new Promise((wake) => setTimeout(wake, 5));
  expect(cancelled).toBe(true);
});
