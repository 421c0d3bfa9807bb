/** What happens between a socket and the API, on both protocols: streaming, reuse, sizes, names, and clients that go away. */
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { serveTestCluster, type ServedCluster } from "../harness/served-cluster.ts";
import { openHttp1, openHttp2, type RawClient, type RawResponse } from "./raw-http.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const JSON_BODY = { "content-type": "application/json" };
const WATCHERS = 40;
const WITHIN_MS = 20_000;

let served: ServedCluster;
beforeAll(async () => {
  served = await serveTestCluster();
});
afterAll(async () => {
  await served?.stop();
  expect(served?.api.errors).toEqual([]);
});

const watchers = () => served.api.hub.stats().watchers;
const noWatchers = () => eventually(() => expect(watchers()).toBe(0), { withinMs: WITHIN_MS, everyMs: 20 });
const configMap = (name: string, size = 1) => JSON.stringify({ metadata: { name }, data: { text: "x".repeat(size) } });

async function whole(
  response: Promise<RawResponse>,
): Promise<{ status: number; text: string; body: { [field: string]: unknown } }> {
  const { status, text, ended } = await response;
  await ended;
  return { status, text: text(), body: text().startsWith("{") ? (JSON.parse(text()) as Record<string, unknown>) : {} };
}

describe.each(["HTTP/1.1", "HTTP/2"] as const)("over %s", (protocol) => {
  let client: RawClient;
  const name = (topic: string) => `${topic}-${protocol === "HTTP/2" ? 2 : 1}`;
  beforeAll(async () => {
    client = protocol === "HTTP/2" ? await openHttp2(served) : openHttp1(served);
  });
  afterAll(() => client?.close());

  test("the head of a watch comes before its first event, and each event as it happens", async () => {
    const list = await whole(client.send(MAPS));
    const { resourceVersion } = list.body["metadata"] as { resourceVersion: string };
    const watch = await client.send(`${MAPS}?watch=1&resourceVersion=${resourceVersion}`);
    expect(watch.status).toBe(200);
    expect(watch.headers["content-type"]).toBe("application/json");
    expect(watch.headers["content-length"]).toBeUndefined();
    if (protocol === "HTTP/1.1") expect(watch.headers["transfer-encoding"]).toBe("chunked");
    for (const [at, one] of [name("first"), name("second")].entries()) {
      await whole(client.send(MAPS, { method: "POST", headers: JSON_BODY, body: configMap(one) }));
      await eventually(
        () => {
          const lines = watch.text().split("\n");
          expect(lines).toHaveLength(at + 2);
          expect(JSON.parse(lines[at] ?? "")).toMatchObject({ type: "ADDED", object: { metadata: { name: one } } });
        },
        { withinMs: WITHIN_MS, everyMs: 10 },
      );
    }
    watch.abort();
    await noWatchers();
  });

  test("a watch that is over ends cleanly, and the connection goes on", async () => {
    const watch = await client.send(`${MAPS}?watch=1&timeoutSeconds=1`);
    await watch.ended;
    expect(watch.text().endsWith("\n")).toBe(true);
    expect((await whole(client.send("/readyz"))).text).toBe("ok");
    await noWatchers();
  });

  test("one connection serves many requests, refused ones too", async () => {
    const before = client.connections();
    for (let i = 0; i < 5; i++) {
      expect((await whole(client.send(MAPS))).status).toBe(200);
      expect((await whole(client.send(`${MAPS}/nope`))).status).toBe(404);
      const refused = await whole(client.send(MAPS, { method: "POST", headers: JSON_BODY, body: "{" }));
      expect(refused.status).toBe(400);
    }
    expect(client.connections() - before).toBeLessThanOrEqual(protocol === "HTTP/2" ? 0 : 1);
  });

  test("a megabyte goes in and out, with and without a length", async () => {
    const size = 1_000_000;
    const body = configMap(name("large"), size);
    const created = await whole(client.send(MAPS, { method: "POST", headers: JSON_BODY, body }));
    expect(created.status).toBe(201);
    const read = await whole(client.send(`${MAPS}/${name("large")}`));
    expect((read.body["data"] as { text: string }).text).toHaveLength(size);
    const parts = body.replace(name("large"), name("parts")).match(/[^]{1,100000}/g) ?? [];
    const sent = await whole(client.send(MAPS, { method: "POST", headers: JSON_BODY, body: parts }));
    expect(sent.status).toBe(201);
    for (const one of ["large", "parts"]) await whole(client.send(`${MAPS}/${name(one)}`, { method: "DELETE" }));
  });

  test("more than a body may be is refused with the words of kube-apiserver, and nothing is stored", async () => {
    const body = configMap(name("huge"), 3 * 1024 * 1024);
    const refused = await whole(client.send(MAPS, { method: "POST", headers: JSON_BODY, body }));
    expect(refused.body).toMatchObject({ kind: "Status", code: 413, reason: "RequestEntityTooLarge" });
    expect((await whole(client.send(`${MAPS}/${name("huge")}`))).status).toBe(404);
  });

  test("long selectors and long tokens are read", async () => {
    // Go's servers take a megabyte of headers; clients that select by many names rely on it.
    const names = Array.from({ length: 1_500 }, (_, i) => `name-${i}`).join(",");
    const selector = encodeURIComponent(`app in (${names})`);
    expect(selector.length).toBeGreaterThan(16_384);
    expect((await whole(client.send(`${MAPS}?labelSelector=${selector}`))).status).toBe(200);
    const token = "x".repeat(20_000);
    expect((await whole(client.send(MAPS, { headers: { authorization: `Bearer ${token}` } }))).status).toBe(401);
  });

  test("an answer to HEAD has no body; methods that resources do not have are refused", async () => {
    expect(await whole(client.send("/version", { method: "HEAD" }))).toMatchObject({ status: 200, text: "" });
    expect(await whole(client.send(MAPS, { method: "HEAD" }))).toMatchObject({ status: 405, text: "" });
    expect((await whole(client.send(MAPS, { method: "OPTIONS" }))).status).toBe(405);
  });

  test("watchers that go away are forgotten", async () => {
    const open = await Promise.all(Array.from({ length: WATCHERS }, () => client.send(`${MAPS}?watch=1`)));
    await eventually(() => expect(watchers()).toBe(WATCHERS), { withinMs: WITHIN_MS, everyMs: 20 });
    for (const watch of open) watch.abort();
    await noWatchers();
    expect((await whole(client.send("/readyz"))).status).toBe(200);
  });

  test("answers that nobody waits for and uploads that stop half-way do no harm", async () => {
    const lists = await Promise.all(Array.from({ length: 10 }, () => client.send(MAPS)));
    for (const list of lists) list.abort();
    const head = { ...JSON_BODY, "content-length": "1000" };
    // The body never comes: nobody can answer, until this side hangs up.
    const other = protocol === "HTTP/2" ? await openHttp2(served) : openHttp1(served);
    const upload = other.send(MAPS, { method: "POST", headers: head, body: ['{"metadata":'] });
    upload.catch(() => {});
    await new Promise((wake) => setTimeout(wake, 20));
    other.close();
    expect((await whole(client.send("/readyz"))).status).toBe(200);
  });
});

describe("TLS", () => {
  test.each([
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
  ])("the certificate is for %s", async (servername) => {
    const { host, port, ca } = served;
    await new Promise<void>((resolve, reject) => {
      const socket = connectTls({ host, port, ca, servername, ALPNProtocols: ["h2", "http/1.1"] }, () => {
        expect(socket.authorized).toBe(true);
        expect(socket.alpnProtocol).toBe("h2");
        socket.destroy();
        resolve();
      });
      socket.on("error", reject);
    });
  });

  test("and for nobody else", async () => {
    const { host, port, ca } = served;
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      connectTls({ host, port, ca, servername: "example.org" }).on("error", resolve);
    });
    expect(error.code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("who speaks no TLS is cut off, and nobody else", async () => {
    const { host, port } = served;
    await new Promise<void>((resolve) => {
      const socket = connectTcp({ host, port }, () => socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
      socket.on("close", () => resolve());
      socket.on("error", () => {});
      socket.resume();
    });
    const client = openHttp1(served);
    expect((await whole(client.send("/readyz"))).status).toBe(200);
    client.close();
  });
});
