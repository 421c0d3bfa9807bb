/** Certificates over real TLS: both protocols, sessions that are taken up again, upgrades, and who has none. */
import { connect as connectHttp2 } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createTestCluster } from "../../../test/harness/cluster.ts";
import { serveTestCluster, type ServedCluster } from "../../../test/harness/served-cluster.ts";
import { keyedRequest } from "../../../test/harness/signing-requests.ts";
import type { ClusterKeys } from "../../pki/cluster-keys.ts";

interface Shown {
  key: string;
  cert: string;
}

const HOUR_MS = 3_600_000;
const PATH = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

let served: ServedCluster;
let aheadMs = 0;
let jane: Shown;

beforeAll(async () => {
  served = await serveTestCluster({ platform: { clock: { now: () => Date.now() + aheadMs } } });
  jane = await shownBy(served.api.cluster.keys, "jane");
});
afterAll(async () => {
  expect(served.api.errors).toEqual([]);
  await served.stop();
});

async function shownBy(keys: ClusterKeys, name: string, usages = ["client auth"]): Promise<Shown> {
  const { der, keyPem } = await keyedRequest({ subject: [["CN", name]] });
  return { key: keyPem, cert: await keys.signCertificate({ request: der, usages, lifetimeMs: HOUR_MS }) };
}

interface Answered {
  status: number;
  name: string | undefined;
}

const answered = (status: number, text: string): Answered => ({
  status,
  name: (JSON.parse(text) as { status?: { userInfo?: { username?: string } } }).status?.userInfo?.username,
});

/** Over HTTP/1.1. */
function ask(options: Partial<Shown> & { agent?: Agent; token?: string }): Promise<Answered> {
  const { agent = new Agent(), token, ...shown } = options;
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    httpsRequest(`${served.url}${PATH}`, { method: "POST", agent, ca: served.ca, headers, ...shown }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(answered(response.statusCode ?? 0, text)));
    })
      .on("error", reject)
      .end("{}");
  });
}

describe("a client with a certificate", () => {
  test("is who it says, over HTTP/1.1, for each request of a connection that is kept", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await ask({ ...jane, agent })).toEqual({ status: 201, name: "jane" });
    expect(await ask({ ...jane, agent })).toEqual({ status: 201, name: "jane" });
    agent.destroy();
  });

  test("is who it says over HTTP/2", async () => {
    const session = connectHttp2(served.url, { ca: served.ca, ...jane });
    const one = (): Promise<Answered> =>
      new Promise((resolve, reject) => {
        let status = 0;
        let text = "";
        const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/json" });
        stream.on("response", (headers) => (status = headers[":status"] ?? 0));
        stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
        stream.on("end", () => resolve(answered(status, text)));
        stream.on("error", reject);
        stream.end("{}");
      });
    expect(await Promise.all([one(), one()])).toEqual([
      { status: 201, name: "jane" },
      { status: 201, name: "jane" },
    ]);
    session.close();
  });

  test("is refused where another cluster's authority signed it, where it is a server's, and with a foreign key", async () => {
    const other = await createTestCluster();
    expect((await ask(await shownBy(other.cluster.keys, "jane"))).status).toBe(401);
    await other.stop();
    expect((await ask(await shownBy(served.api.cluster.keys, "s", ["server auth"]))).status).toBe(401);
    const { keyPem } = await keyedRequest({ subject: [["CN", "jane"]] });
    await expect(ask({ ...jane, key: keyPem })).rejects.toThrow(/key values mismatch/);
  });

  test("watches over a WebSocket as whoever it is", async () => {
    const url = `${served.url.replace("https", "wss")}/api/v1/namespaces/default/configmaps?watch=1`;
    const refused = await new Promise((resolve) => {
      const socket = new WebSocket(url, { ca: served.ca, ...jane });
      socket.on("unexpected-response", (_request, response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve(text));
      });
      socket.on("open", () => resolve("open"));
    });
    expect(refused).toContain('User \\"jane\\" cannot watch resource \\"configmaps\\"');
  });
});

test("a session that is taken up again is judged as the first one, and ends with the certificate", async () => {
  const tls = {
    host: served.host,
    port: served.port,
    ca: served.ca,
    ALPNProtocols: ["http/1.1"],
    servername: "localhost",
  };
  const options: ConnectionOptions = { ...tls, ...jane };
  const first = await opened(options);
  const ticket = new Promise<Buffer>((resolve) => first.once("session", resolve));
  expect(await over(first)).toContain('"username":"jane"');
  const session = await ticket;
  first.destroy();
  const second = await opened({ ...tls, session });
  expect(second.isSessionReused()).toBe(true);
  expect(await over(second)).toContain('"username":"jane"');
  second.destroy();
  aheadMs += HOUR_MS + 1_000;
  try {
    const third = await opened({ ...tls, session });
    expect(await over(third)).toMatch(/^HTTP\/1.1 401/);
    third.destroy();
  } finally {
    aheadMs -= HOUR_MS + 1_000;
  }
});

function opened(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** The answer to one request, as it comes. */
function over(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('"kind"')) resolve(text);
    });
    const head = [`POST ${PATH} HTTP/1.1`, "host: localhost", "content-type: application/json", "content-length: 2"];
    socket.write(`${head.join("\r\n")}\r\n\r\n{}`);
  });
}

test("who shows none is as ever: a token tells, and without one nobody is known", async () => {
  expect(await ask({ token: served.token })).toEqual({ status: 201, name: "admin" });
  expect(await ask({})).toMatchObject({ name: undefined });
  expect(await ask({ ...jane, token: served.token })).toEqual({ status: 201, name: "jane" });
});
