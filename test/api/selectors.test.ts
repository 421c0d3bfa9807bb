/** Label and field selectors on list, watch and deletecollection: what they select, and how what they cannot be is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
const BASE = "/api/v1/namespaces/select";
const MAPS = `${BASE}/configmaps`;

async function create(path: string, body: object): Promise<void> {
  const answer = await api.call(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
}

async function patchStatus(path: string, status: object): Promise<void> {
  const answer = await api.call(`${path}/status`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: { status },
  });
  if (answer.status !== 200) throw new Error(answer.text);
}

async function names(path: string, query: Record<string, string>): Promise<string[]> {
  const { status, body, text } = await api.call<KubeList>(`${path}?${new URLSearchParams(query)}`);
  if (status !== 200) throw new Error(text);
  return body.items.map(({ metadata }) => metadata.name ?? "");
}

/** The names that a watch from anywhere shows first. */
async function watched(path: string, query: Record<string, string>): Promise<string[]> {
  const asked = new URLSearchParams({ ...query, watch: "1", allowWatchBookmarks: "true" });
  const response = await api.fetch(`${path}?${asked}`);
  if (response.status !== 200) throw new Error(await response.text());
  const seen: string[] = [];
  for await (const { type, object } of watchEvents(response)) {
    if (type === "BOOKMARK") break;
    seen.push(object.metadata.name ?? "");
  }
  return seen;
}

beforeAll(async () => {
  api = await createTestCluster();
  await create("/api/v1/namespaces", { metadata: { name: "select", labels: { team: "a" } } });
  await create(`${BASE}/serviceaccounts`, { metadata: { name: "default" } });
  await create(`${BASE}/serviceaccounts`, { metadata: { name: "robot" } });
  const labelled: Record<string, Record<string, string>> = {
    none: {},
    red: { color: "red", size: "1" },
    green: { color: "green", size: "10" },
    blue: { color: "blue", size: "0", "example.com/owner": "me" },
    empty: { color: "", size: "big" },
  };
  for (const [name, labels] of Object.entries(labelled)) await create(MAPS, { metadata: { name, labels } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const notKnown = (field: string) =>
  `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;

async function fill(namespace: string): Promise<string> {
  await create("/api/v1/namespaces", { metadata: { name: namespace } });
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  for (const name of ["a", "b", "c"])
    await create(maps, { metadata: { name, labels: { odd: name === "b" ? "no" : "yes" } } });
  return maps;
}

const left = async (maps: string): Promise<string[]> => await names(maps, {});

describe("label selectors", () => {
  const ALL = ["blue", "empty", "green", "none", "red"];

  it.each<[string, string[]]>([
    ["", ALL],
    [" ", ALL],
    ["color=red", ["red"]],
    ["color==red", ["red"]],
    [" color = red ", ["red"]],
    ["color!=red", ["blue", "empty", "green", "none"]],
    ["color", ["blue", "empty", "green", "red"]],
    ["!color", ["none"]],
    ["! color", ["none"]],
    ["color in (red,blue)", ["blue", "red"]],
    ["color in (red, red)", ["red"]],
    ["color in ()", ["empty"]],
    ["color in (,red)", ["empty", "red"]],
    ["color in (red,)", ["empty", "red"]],
    ["color notin (red,blue)", ["empty", "green", "none"]],
    ["color notin ()", ["blue", "green", "none", "red"]],
    ["color=", ["empty"]],
    ["color!=", ["blue", "green", "none", "red"]],
    ["size>1", ["green"]],
    ["size>0", ["green", "red"]],
    ["size<1", ["blue"]],
    ["size<2", ["blue", "red"]],
    ["color,size>0", ["green", "red"]],
    ["color in (red,green),size!=1,!example.com/owner", ["green"]],
    ["example.com/owner=me", ["blue"]],
    ["color=red,color=green", []],
    ["in=x", []],
    ["notin", []],
    [Array.from({ length: 60 }, (_, index) => `!k${index}`).join(","), ALL],
  ])("%j", async (labelSelector, expected) => {
    expect(await names(MAPS, { labelSelector })).toEqual(expected);
    expect((await watched(MAPS, { labelSelector })).toSorted()).toEqual(expected);
  });

  it.each([
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["=a", "found '=', expected: !, identifier, or 'end of string'"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["a,", "found '', expected: identifier after ','"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a ~ b", "unable to parse requirement: found '~', expected: in, notin, =, ==, !=, gt, lt"],
    ["~", 'unable to parse requirement: <nil>: Invalid value: "~": name part must consist of'],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    ["!a=b", "found '=', expected: ',' or 'end of string'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    [
      "a>b",
      "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    ["a=b!", "found '!', expected: ',' or 'end of string'"],
    [
      "-a=b",
      'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters',
    ],
    [
      "a=-b",
      'unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be an empty string or consist of',
    ],
    [`a=${"x".repeat(64)}`, "must be no more than 63"],
  ])("refuse %j", async (labelSelector, message) => {
    const query = new URLSearchParams({ labelSelector });
    for (const [path, method] of [
      [`${MAPS}?${query}`, "GET"],
      [`${MAPS}?watch=1&${query}`, "GET"],
      [`${MAPS}?${query}`, "DELETE"],
    ] as const) {
      const status = assertFailure(await api.call(path, { method }), { code: 400, reason: "BadRequest" });
      expect(status.message).toContain(message);
    }
  });
});

describe("field selectors", () => {
  const container = { name: "c", image: "registry.test/image:1" };
  const pods: [name: string, spec: object, status?: object][] = [
    ["bare", {}],
    [
      "bound",
      {
        nodeName: "n1",
        restartPolicy: "Never",
        schedulerName: "other",
        serviceAccountName: "robot",
        hostNetwork: true,
      },
    ],
    [
      "runs",
      { nodeName: "n2" },
      { phase: "Running", podIP: "10.1.2.3", podIPs: [{ ip: "10.1.2.3" }], hostIP: "10.0.0.2" },
    ],
    ["waits", {}, { phase: "Pending", nominatedNodeName: "n1" }],
  ];

  beforeAll(async () => {
    for (const name of ["n1", "n2"]) {
      await create("/api/v1/nodes", { metadata: { name }, spec: name === "n2" ? { unschedulable: true } : {} });
    }
    for (const [name, spec, status] of pods) {
      await create(`${BASE}/pods`, { metadata: { name }, spec: { containers: [container], ...spec } });
      if (status) await patchStatus(`${BASE}/pods/${name}`, status);
    }
    await create(`${BASE}/secrets`, { metadata: { name: "plain" } });
    await create(`${BASE}/secrets`, {
      metadata: { name: "login" },
      type: "kubernetes.io/basic-auth",
      stringData: { username: "me", password: "secret" },
    });
    await create(`${BASE}/services`, { metadata: { name: "inner" }, spec: { ports: [{ port: 80 }] } });
    await create(`${BASE}/services`, {
      metadata: { name: "headless" },
      spec: { clusterIP: "None", ports: [{ port: 80 }] },
    });
    await create(`${BASE}/services`, {
      metadata: { name: "alias" },
      spec: { type: "ExternalName", externalName: "a.test" },
    });
    const involvedObject = {
      kind: "Pod",
      namespace: "select",
      name: "bare",
      uid: "u-1",
      apiVersion: "v1",
      resourceVersion: "7",
      fieldPath: "spec.containers{c}",
    };
    await create(`${BASE}/events`, {
      metadata: { name: "bare.1" },
      involvedObject,
      reason: "Started",
      type: "Normal",
      source: { component: "kubelet" },
      reportingComponent: "kubelet",
      message: "m",
    });
    await create(`${BASE}/events`, {
      metadata: { name: "bare.2" },
      involvedObject: { ...involvedObject, name: "other", kind: "Job" },
      reason: "Failed",
      type: "Warning",
      source: { component: "job-controller" },
      message: "m",
    });
    const template = { metadata: { labels: { app: "x" } }, spec: { containers: [container] } };
    const spec = { replicas: 2, selector: { matchLabels: { app: "x" } }, template };
    await create("/apis/apps/v1/namespaces/select/replicasets", { metadata: { name: "set" }, spec });
    await create("/apis/apps/v1/namespaces/select/replicasets", { metadata: { name: "grown" }, spec });
    await patchStatus("/apis/apps/v1/namespaces/select/replicasets/grown", { replicas: 2 });
  });

  it.each<[path: string, selector: string, expected: string[]]>([
    ["pods", "metadata.name=bare", ["bare"]],
    ["pods", "metadata.name==bare", ["bare"]],
    ["pods", "metadata.name!=bare", ["bound", "runs", "waits"]],
    ["pods", "metadata.namespace=select,metadata.name=runs", ["runs"]],
    ["pods", "metadata.namespace!=select", []],
    ["pods", "spec.nodeName=n1", ["bound"]],
    ["pods", "spec.host=n1", ["bound"]],
    ["pods", "spec.nodeName=", ["bare", "waits"]],
    ["pods", "spec.nodeName!=", ["bound", "runs"]],
    ["pods", "spec.restartPolicy=Never", ["bound"]],
    ["pods", "spec.schedulerName=default-scheduler", ["bare", "runs", "waits"]],
    ["pods", "spec.serviceAccountName=robot", ["bound"]],
    ["pods", "spec.hostNetwork=true", ["bound"]],
    ["pods", "spec.hostNetwork=false", ["bare", "runs", "waits"]],
    ["pods", "status.phase=Running", ["runs"]],
    ["pods", "status.phase!=Running", ["bare", "bound", "waits"]],
    ["pods", "status.podIP=10.1.2.3", ["runs"]],
    ["pods", "status.podIPs=10.1.2.3", ["runs"]],
    ["pods", "status.nominatedNodeName=n1", ["waits"]],
    ["pods", "spec.nodeName=n2,status.phase=Running", ["runs"]],
    ["events", "involvedObject.kind=Pod", ["bare.1"]],
    ["events", "involvedObject.namespace=select", ["bare.1", "bare.2"]],
    ["events", "involvedObject.name=bare", ["bare.1"]],
    ["events", "involvedObject.uid=u-1,involvedObject.kind!=Job", ["bare.1"]],
    ["events", "involvedObject.apiVersion=v1", ["bare.1", "bare.2"]],
    ["events", "involvedObject.resourceVersion=7", ["bare.1", "bare.2"]],
    ["events", "involvedObject.fieldPath=spec.containers{c}", ["bare.1", "bare.2"]],
    ["events", "reason=Failed", ["bare.2"]],
    ["events", "reportingComponent=kubelet", ["bare.1"]],
    ["events", "source=job-controller", ["bare.2"]],
    ["events", "type=Warning", ["bare.2"]],
    ["secrets", "type=kubernetes.io/basic-auth", ["login"]],
    ["secrets", "type!=Opaque", ["login"]],
    ["services", "spec.clusterIP=None", ["headless"]],
    ["services", "spec.type=ExternalName", ["alias"]],
    ["configmaps", "metadata.name=red,metadata.namespace=select", ["red"]],
  ])("%s by %s", async (plural, fieldSelector, expected) => {
    expect(await names(`${BASE}/${plural}`, { fieldSelector })).toEqual(expected);
    expect((await watched(`${BASE}/${plural}`, { fieldSelector })).toSorted()).toEqual(expected);
    const found = await names(`/api/v1/${plural}`, { fieldSelector: `${fieldSelector},metadata.namespace=select` });
    expect(found).toEqual(expected);
  });

  it.each<[path: string, selector: string, expected: string[]]>([
    ["/api/v1/nodes", "spec.unschedulable=true", ["n2"]],
    ["/api/v1/nodes", "spec.unschedulable=false", ["n1"]],
    ["/api/v1/nodes", "metadata.name=n1", ["n1"]],
    ["/api/v1/namespaces", "metadata.name=select", ["select"]],
    ["/api/v1/namespaces", "status.phase=Active,metadata.name=select", ["select"]],
    ["/api/v1/namespaces", "status.phase=Terminating", []],
    ["/apis/apps/v1/namespaces/select/replicasets", "status.replicas=2", ["grown"]],
    ["/apis/apps/v1/namespaces/select/replicasets", "status.replicas=0", ["set"]],
  ])("%s by %s", async (path, fieldSelector, expected) => {
    expect(await names(path, { fieldSelector })).toEqual(expected);
    expect((await watched(path, { fieldSelector })).toSorted()).toEqual(expected);
  });

  it.each([
    [`${BASE}/pods`, "spec.image=x", "field label not supported: spec.image"],
    [`${BASE}/pods`, "metadata.labels=x", "field label not supported: metadata.labels"],
    [`${BASE}/pods`, "__proto__=x", "field label not supported: __proto__"],
    [`${BASE}/events`, "message=x", "field label not supported: message"],
    [`${BASE}/secrets`, "data=x", "field label not supported: data"],
    [`${BASE}/services`, "spec.ports=80", "field label not supported: spec.ports"],
    ["/api/v1/nodes", "metadata.namespace=x", "field label not supported: metadata.namespace"],
    ["/api/v1/nodes", "status.phase=x", "field label not supported: status.phase"],
    ["/api/v1/namespaces", "metadata.namespace=x", "field label not supported: metadata.namespace"],
    [MAPS, "data.a=b", notKnown("data.a")],
    ["/apis/apps/v1/deployments", "status.replicas=1", notKnown("status.replicas")],
    ["/apis/coordination.k8s.io/v1/leases", "spec.holderIdentity=x", notKnown("spec.holderIdentity")],
    [MAPS, "metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    [MAPS, "metadata.name=a,b", "invalid selector: 'metadata.name=a,b'; can't understand 'b'"],
    [MAPS, "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"],
    [MAPS, "metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b"],
  ])("%s by %s is refused", async (path, fieldSelector, message) => {
    const query = new URLSearchParams({ fieldSelector });
    const expected = { code: 400, reason: "BadRequest", message };
    assertFailure(await api.call(`${path}?${query}`), expected);
    assertFailure(await api.call(`${path}?watch=1&${query}`), expected);
    // There is no deletecollection of namespaces.
    if (path === "/api/v1/namespaces") return;
    assertFailure(await api.call(`${path}?${query}`, { method: "DELETE" }), expected);
  });

  it("a label and a field selector both hold, on a page too", async () => {
    const query = { labelSelector: "color", fieldSelector: "metadata.name!=red", limit: "2" };
    const first = await api.call<KubeList>(`${MAPS}?${new URLSearchParams(query)}`);
    expect(first.body.items.map(({ metadata }) => metadata.name)).toEqual(["blue", "empty"]);
    expect(first.body.metadata.remainingItemCount).toBeUndefined();
    expect(await names(MAPS, { ...query, continue: first.body.metadata.continue ?? "" })).toEqual(["green"]);
  });
});

describe("deletecollection", () => {
  it.each<[string, Record<string, string>, string[]]>([
    ["labels", { labelSelector: "odd=yes" }, ["b"]],
    ["no-labels", { labelSelector: "odd notin (yes)" }, ["a", "c"]],
    ["fields", { fieldSelector: "metadata.name=b" }, ["a", "c"]],
    ["both", { labelSelector: "odd=yes", fieldSelector: "metadata.name!=c" }, ["b", "c"]],
    ["one-page", { limit: "2" }, ["c"]],
    ["page-of-some", { limit: "1", labelSelector: "odd=yes" }, ["b", "c"]],
    ["nothing", { labelSelector: "odd=maybe" }, ["a", "b", "c"]],
    ["all", {}, []],
  ])("by %s", async (namespace, query, expected) => {
    const maps = await fill(`delete-${namespace}`);
    const answer = await api.call<KubeList>(`${maps}?${new URLSearchParams(query)}`, { method: "DELETE" });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({ kind: "ConfigMapList", apiVersion: "v1" });
    expect(answer.body.items).toHaveLength(3 - expected.length);
    expect(await left(maps)).toEqual(expected);
  });
});

describe("objects that begin and stop to match", () => {
  it("are ADDED and DELETED at the revision of the change, the latter as they last matched", async () => {
    const open = async (query: string) => watchEvents(await api.fetch(`${MAPS}?watch=1&${query}`));
    const revision = await api.storage.revision();
    const watch = await open(`resourceVersion=${revision}&labelSelector=phase%3Done`);
    const set = async (labels: object, data: object): Promise<KubeObject> => {
      const headers = { "content-type": "application/merge-patch+json" };
      const answer = await api.call(`${MAPS}/moving`, {
        method: "PATCH",
        headers,
        body: { metadata: { labels }, data },
      });
      return answer.body;
    };
    await create(MAPS, { metadata: { name: "moving" } });
    const began = await set({ phase: "one" }, { step: "1" });
    const changed = await set({}, { step: "2" });
    const stopped = await set({ phase: "two" }, { step: "3" });
    await set({}, { step: "4" });
    const again = await set({ phase: "one" }, { step: "5" });
    await api.call(`${MAPS}/moving`, { method: "DELETE" });
    const events = await take(watch, 5);
    const short = events.map(({ type, object }) => [
      type,
      (object["data"] as { step: string }).step,
      object.metadata.labels?.["phase"],
      object.metadata.resourceVersion,
    ]);
    expect(short.slice(0, 4)).toEqual([
      ["ADDED", "1", "one", began.metadata.resourceVersion],
      ["MODIFIED", "2", "one", changed.metadata.resourceVersion],
      ["DELETED", "2", "one", stopped.metadata.resourceVersion],
      ["ADDED", "5", "one", again.metadata.resourceVersion],
    ]);
    const [type, step, phase, last] = short[4] ?? [];
    expect([type, step, phase]).toEqual(["DELETED", "5", "one"]);
    expect(Number(last)).toBeGreaterThan(Number(again.metadata.resourceVersion));
    await watch.return(undefined);
  });

  it("by a field too", async () => {
    const pods = `${BASE}/pods`;
    const revision = await api.storage.revision();
    const response = await api.fetch(
      `${pods}?watch=1&resourceVersion=${revision}&fieldSelector=status.phase%3DRunning`,
    );
    const watch = watchEvents(response);
    const container = { name: "c", image: "registry.test/image:1" };
    await create(pods, { metadata: { name: "phases" }, spec: { containers: [container], nodeName: "n1" } });
    for (const phase of ["Running", "Succeeded"]) await patchStatus(`${pods}/phases`, { phase });
    const events = await take(watch, 2);
    expect(events.map(({ type, object }) => [type, (object["status"] as { phase: string }).phase])).toEqual([
      ["ADDED", "Running"],
      ["DELETED", "Running"],
    ]);
    await watch.return(undefined);
  });
});
