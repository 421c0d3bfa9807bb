/** `/metrics`: names and labels of kube-apiserver, and what must never become a label. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const MAPS = "/api/v1/namespaces/default/configmaps";

/** Samples by name and labels, as they are written. */
async function samples(): Promise<Map<string, number>> {
  const { text, status } = await api.call("/metrics");
  expect(status).toBe(200);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** By how much each sample rose while `act` ran. */
async function rise(act: () => Promise<unknown>): Promise<(name: string) => number> {
  const before = await samples();
  await act();
  const after = await samples();
  return (name) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
}

interface Labels {
  verb: string;
  dryRun?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  scope?: string;
  code?: number;
}

function labelled(name: string, { verb, dryRun, code, ...of }: Labels): string {
  const { group = "", version = "v1", resource = "", subresource = "", scope = "" } = of;
  const dry = name === "apiserver_response_sizes_count" ? "" : `dry_run="${dryRun ?? ""}",`;
  const target = `group="${group}",version="${version}",resource="${resource}",subresource="${subresource}",scope="${scope}"`;
  const tail = code === undefined ? "" : `,code="${code}"`;
  return `${name}{verb="${verb}",${dry}${target},component="apiserver"${tail}}`;
}

function map(name: string): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "b" } };
}

function deprecated(resource: string): string {
  const target = `group="",version="v1",resource="${resource}",subresource=""`;
  return `apiserver_requested_deprecated_apis{${target},removed_release=""}`;
}

describe("/metrics", () => {
  it("names the deprecated APIs that were asked for", async () => {
    await api.call("/api/v1/namespaces/default/endpoints");
    await api.call("/api/v1/namespaces/default/configmaps");
    const found = await samples();
    expect([found.get(deprecated("endpoints")), found.get(deprecated("configmaps"))]).toEqual([1, undefined]);
  });

  it("counts requests by what they ask for and the code of the answer", async () => {
    const apply = { "content-type": "application/apply-patch+yaml" };
    const merge = { "content-type": "application/merge-patch+json" };
    const by = await rise(async () => {
      await api.call(MAPS, { method: "POST", body: map("m") });
      await api.call(`${MAPS}?dryRun=All`, { method: "POST", body: map("n") });
      await api.call(MAPS, { method: "POST", body: map("m") });
      await api.call(MAPS);
      await api.call("/api/v1/configmaps");
      await api.call(`${MAPS}/m`);
      await api.call(`${MAPS}/none`);
      await api.call(`${MAPS}/m`, { method: "PATCH", body: { data: {} }, headers: merge });
      await api.call(`${MAPS}/a?fieldManager=t`, { method: "PATCH", body: map("a"), headers: apply });
      await api.call(`${MAPS}/m`, { method: "PUT", body: map("m") });
      await api.call(`${MAPS}/m`, { method: "DELETE" });
      await api.call(MAPS, { method: "DELETE" });
    });
    const of = { resource: "configmaps" };
    const total = (labels: Labels): number => by(labelled("apiserver_request_total", { ...of, ...labels }));
    expect(total({ verb: "POST", scope: "resource", code: 201 })).toBe(1);
    expect(total({ verb: "POST", scope: "resource", dryRun: "All", code: 201 })).toBe(1);
    expect(total({ verb: "POST", scope: "resource", code: 409 })).toBe(1);
    expect(total({ verb: "LIST", scope: "namespace", code: 200 })).toBe(1);
    expect(total({ verb: "LIST", scope: "cluster", code: 200 })).toBe(1);
    expect(total({ verb: "GET", scope: "resource", code: 200 })).toBe(1);
    expect(total({ verb: "GET", scope: "resource", code: 404 })).toBe(1);
    expect(total({ verb: "PATCH", scope: "resource", code: 200 })).toBe(1);
    expect(total({ verb: "PUT", scope: "resource", code: 200 })).toBe(1);
    expect(total({ verb: "DELETE", scope: "resource", code: 200 })).toBe(1);
    expect(total({ verb: "DELETE", scope: "namespace", code: 200 })).toBe(1);
    const durations = (labels: Labels): number =>
      by(labelled("apiserver_request_duration_seconds_count", { ...of, ...labels }));
    expect(durations({ verb: "APPLY", scope: "resource" })).toBe(1);
    expect(durations({ verb: "GET", scope: "resource" })).toBe(2);
    expect(durations({ verb: "POST", scope: "resource" })).toBe(2);
    expect(by(labelled("apiserver_response_sizes_count", { ...of, verb: "LIST", scope: "namespace" }))).toBe(1);
  });

  it("has the buckets of kube-apiserver", async () => {
    const names = [...(await samples()).keys()];
    const bounds = (metric: string): Set<string> =>
      new Set(
        names.flatMap((name) => (name.startsWith(`${metric}_bucket`) ? [/le="([^"]+)"/.exec(name)?.[1] ?? ""] : [])),
      );
    const seconds = "0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60 +Inf";
    expect([...bounds("apiserver_request_duration_seconds")].join(" ")).toBe(seconds);
    const bytes = "1000 10000 100000 1e+06 1e+07 1e+08 1e+09 +Inf";
    expect([...bounds("apiserver_response_sizes")].join(" ")).toBe(bytes);
  });

  it("counts what is no resource by its path, where there is such a path", async () => {
    const by = await rise(async () => {
      await api.call("/livez");
      await api.call("/apis");
      await api.call("/nothing/at/all");
      await api.call("/apis/nothing.example.com/v1/things/x");
      await api.call(`${MAPS}/m/made-up`);
      await api.call("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
        method: "POST",
        body: { spec: { resourceAttributes: { verb: "get", resource: "pods" } } },
      });
    });
    const total = (labels: Labels): number => by(labelled("apiserver_request_total", labels));
    expect(total({ verb: "GET", version: "", subresource: "/livez", code: 200 })).toBe(1);
    expect(total({ verb: "GET", version: "", subresource: "/apis", code: 200 })).toBe(1);
    expect(total({ verb: "GET", version: "", code: 404 })).toBe(1);
    expect(total({ verb: "GET", version: "", scope: "resource", code: 404 })).toBe(2);
    const review = { group: "authorization.k8s.io", resource: "selfsubjectaccessreviews", scope: "resource" };
    expect(total({ verb: "POST", ...review, code: 201 })).toBe(1);
  });

  it("takes no name of a client's making as a label", async () => {
    await api.call("/apis/evil.example.com/v666/secretplace/name");
    await api.call(`${MAPS}/some-object-name`, { method: "PROPFIND" });
    await api.call(`/api/v1/namespaces/evil-namespace/pods/p/evil-subresource?watch=evil`);
    const { text } = await api.call("/metrics");
    expect(text).not.toMatch(/evil|secretplace|some-object-name|PROPFIND/);
  });

  it("shows open watches and the events they were sent", async () => {
    const open =
      'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="",component="apiserver"}';
    const sent = 'apiserver_watch_events_total{group="",version="v1",resource="configmaps"}';
    const abort = new AbortController();
    const { body } = await api.call<{ metadata: { resourceVersion: string } }>(MAPS);
    const response = await api.fetch(`${MAPS}?watch=1&resourceVersion=${body.metadata.resourceVersion}`, {
      signal: abort.signal,
    });
    const events = watchEvents(response);
    const before = await samples();
    expect(before.get(open)).toBe(1);
    await api.call(MAPS, { method: "POST", body: map("watched") });
    await take(events, 1);
    const after = await samples();
    expect((after.get(sent) ?? 0) - (before.get(sent) ?? 0)).toBe(1);
    await events.return(undefined);
    expect((await samples()).get(open)).toBeUndefined();
  });

  it("says what else is known: requests under way, the version", async () => {
    const all = await samples();
    // This very request.
    expect(all.get('apiserver_current_inflight_requests{request_kind="readOnly"}')).toBeGreaterThanOrEqual(1);
    expect(all.get('apiserver_current_inflight_requests{request_kind="mutating"}')).toBeGreaterThanOrEqual(0);
    const build = [...all.keys()].find((name) => name.startsWith("kubernetes_build_info{"));
    expect(build).toMatch(/major="1",minor="36",git_version="v1\.36\.\d+\+gantry"/);
  });

  it("comes in the form that is asked for", async () => {
    const plain = await api.call("/metrics");
    expect(plain.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    const open = await api.call("/metrics", { headers: { accept } });
    expect(open.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(open.text.endsWith("# EOF\n")).toBe(true);
    const packed = await api.fetch("/metrics", { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    const unpacked = await new Response(packed.body?.pipeThrough(new DecompressionStream("gzip"))).text();
    expect(unpacked).toContain("apiserver_request_total{");
  });

  it("is not for everybody", async () => {
    assertFailure(await api.call("/metrics", { token: null }), {
      code: 403,
      reason: "Forbidden",
      message: /cannot get path "\/metrics"/,
    });
    const monitoring = api.app.fetchAs({ name: "prometheus", groups: ["system:monitoring", "system:authenticated"] });
    expect((await monitoring(new Request("https://gantry.test:6443/metrics"))).status).toBe(200);
    expect((await monitoring(new Request("https://gantry.test:6443/readyz/storage"))).status).toBe(200);
    const other = api.app.fetchAs({ name: "someone", groups: ["system:authenticated"] });
    expect((await other(new Request("https://gantry.test:6443/metrics"))).status).toBe(403);
  });
});
