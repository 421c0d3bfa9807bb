/** @kubernetes/client-node, the client of operators and dashboards written for Node: typed CRUD, patches, watches, informers. */
import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
  Watch,
  type Informer,
  type KubernetesObject,
  type ObjectCache,
  type V1ConfigMap,
  type V1Deployment,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { requires } from "../harness/requires.ts";
import { lacks, startControlPlane, type ControlPlane, type Runtime } from "./control-plane.ts";

const WITHIN_MS = 20_000;

interface Made extends V1ConfigMap {
  apiVersion: "v1";
  kind: "ConfigMap";
  metadata: { name: string; namespace?: string };
}

function configMap(name: string, data: Record<string, string> = {}, namespace?: string): Made {
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data };
}

/** The same object with other data. The library's objects are instances of its classes only in name. */
function withData<T extends V1ConfigMap>(object: T, data: Record<string, string>): T {
  return Object.assign(structuredClone(object), { data });
}

const as = (type: string) => setHeaderOptions("Content-Type", type);

export const secret = (name: string, labels: Record<string, string> = { a: "b" }) => ({ metadata: { name, labels } });

export function clientNodeSuite(runtime: Runtime): void {
  requires(...lacks(runtime))(`@kubernetes/client-node on ${runtime === "node" ? "Node" : "workerd"}`, () => {
    let plane: ControlPlane;
    let config: KubeConfig;
    let core: CoreV1Api;
    let made = 0;
    beforeAll(async () => {
      plane = await startControlPlane(runtime);
      config = new KubeConfig();
      config.loadFromFile(plane.kubeconfig);
      core = config.makeApiClient(CoreV1Api);
    });
    afterAll(() => plane?.stop());

    async function makeNamespace(): Promise<string> {
      const name = `client-node-${made++}`;
      await core.createNamespace({ body: { metadata: { name } } });
      return name;
    }
    test("typed create, read, list, replace, delete", async () => {
      const namespace = await makeNamespace();
      const created = await core.createNamespacedConfigMap({ namespace, body: configMap("a", { x: "1" }) });
      expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
      expect(await core.readNamespacedConfigMap({ namespace, name: "a" })).toEqual(created);
      const listed = await core.listNamespacedConfigMap({ namespace, fieldSelector: "metadata.name=a" });
      expect(listed.items.map(({ metadata }) => metadata?.uid)).toEqual([created.metadata?.uid]);
      const replaced = await core.replaceNamespacedConfigMap({
        namespace,
        name: "a",
        body: withData(created, { x: "2" }),
      });
      expect(replaced.data).toEqual({ x: "2" });
      const gone = await core.deleteNamespacedConfigMap({ namespace, name: "a" });
      expect(gone).toMatchObject({ status: "Success", details: { name: "a", kind: "configmaps" } });
      await expect(core.readNamespacedConfigMap({ namespace, name: "a" })).rejects.toMatchObject({ code: 404 });
      await expect(
        core.replaceNamespacedConfigMap({ namespace, name: "a", body: withData(created, {}) }),
      ).rejects.toBeInstanceOf(ApiException);
    });

    test("a stale replace is a conflict that says so", async () => {
      const namespace = await makeNamespace();
      const first = await core.createNamespacedConfigMap({ namespace, body: configMap("a") });
      await core.replaceNamespacedConfigMap({ namespace, name: "a", body: withData(first, { x: "1" }) });
      const late = core.replaceNamespacedConfigMap({ namespace, name: "a", body: withData(first, { x: "2" }) });
      const error = await late.catch((thrown: unknown) => thrown as ApiException<string>);
      if (!(error instanceof ApiException)) throw new Error("it was not refused");
      expect(error.code).toBe(409);
      expect(JSON.parse(error.body)).toMatchObject({ kind: "Status", reason: "Conflict" });
    });

    test("page by page", async () => {
      const namespace = await makeNamespace();
      for (const name of ["a", "b", "c"])
        await core.createNamespacedSecret({ namespace, body: { metadata: { name } } });
      const names: string[] = [];
      let next: string | undefined;
      do {
        const page = await core.listNamespacedSecret({ namespace, limit: 2, ...(next ? { _continue: next } : {}) });
        names.push(...page.items.map(({ metadata }) => metadata?.name ?? ""));
        // oxlint-disable-next-line no-underscore-dangle -- the library renames what is a word of the language
        next = page.metadata?._continue;
      } while (next);
      expect(names).toEqual(["a", "b", "c"]);
    });

    test("patches of each type, and of a subresource", async () => {
      const namespace = await makeNamespace();
      const apps = config.makeApiClient(AppsV1Api);
      const labels = { app: "web" };
      const body: V1Deployment = {
        metadata: { name: "web" },
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              containers: [
                { name: "a", image: "a:1" },
                { name: "b", image: "b:1" },
              ],
            },
          },
        },
      };
      await apps.createNamespacedDeployment({ namespace, body });
      const at = { namespace, name: "web" };
      const jsonPatch = [{ op: "replace", path: "/spec/replicas", value: 1 }];
      const json = await apps.patchNamespacedDeployment({ ...at, body: jsonPatch }, as(PatchStrategy.JsonPatch));
      expect(json.spec?.replicas).toBe(1);
      const mergePatch = { metadata: { annotations: { by: "merge" } }, spec: { replicas: 0 } };
      const merged = await apps.patchNamespacedDeployment({ ...at, body: mergePatch }, as(PatchStrategy.MergePatch));
      expect(merged).toMatchObject({ metadata: { annotations: { by: "merge" } }, spec: { replicas: 0 } });
      const strategicPatch = { spec: { template: { spec: { containers: [{ name: "b", image: "b:2" }] } } } };
      const strategic = await apps.patchNamespacedDeployment(
        { ...at, body: strategicPatch },
        as(PatchStrategy.StrategicMergePatch),
      );
      expect(strategic.spec?.template.spec?.containers.map(({ image }) => image)).toEqual(["a:1", "b:2"]);
      const scale = await apps.patchNamespacedDeploymentScale(
        { ...at, body: { spec: { replicas: 2 } } },
        as(PatchStrategy.MergePatch),
      );
      expect(scale.spec?.replicas).toBe(2);
      await apps.deleteNamespacedDeployment(at);
    });

    test("server-side apply, typed and of any kind", async () => {
      const namespace = await makeNamespace();
      const body = configMap("applied", { x: "1" }, namespace);
      const apply = (fieldManager: string, applied: Made, force?: boolean) =>
        core.patchNamespacedConfigMap(
          { name: "applied", namespace, body: applied, fieldManager, ...(force === undefined ? {} : { force }) },
          as(PatchStrategy.ServerSideApply),
        );
      const created = await apply("one", body);
      expect(created.metadata?.managedFields).toMatchObject([{ manager: "one", operation: "Apply" }]);
      expect(await apply("one", body)).toEqual(created);
      await expect(apply("two", withData(body, { x: "2" }))).rejects.toMatchObject({ code: 409 });
      expect((await apply("two", withData(body, { x: "2" }), true)).data).toEqual({ x: "2" });
      const objects = KubernetesObjectApi.makeApiClient(config);
      const change = withData(body, { y: "3" });
      const applied = await objects.patch(
        change,
        undefined,
        undefined,
        "three",
        undefined,
        PatchStrategy.ServerSideApply,
      );
      expect(applied).toMatchObject({ data: { x: "2", y: "3" } });
    });

    test("objects of any kind", async () => {
      const namespace = await makeNamespace();
      const objects = KubernetesObjectApi.makeApiClient(config);
      const spec = configMap("any", { x: "1" }, namespace);
      const created = await objects.create<V1ConfigMap>(spec);
      expect(created.metadata?.uid).toBeDefined();
      expect(await objects.read<V1ConfigMap>(spec)).toEqual(created);
      const change = withData(spec, { y: "2" });
      const patched = await objects.patch<V1ConfigMap>(
        change,
        undefined,
        undefined,
        undefined,
        undefined,
        PatchStrategy.MergePatch,
      );
      expect(patched.data).toEqual({ x: "1", y: "2" });
      const replaced = await objects.replace<V1ConfigMap>(withData(patched, { z: "3" }));
      expect(replaced.data).toEqual({ z: "3" });
      const { items } = await objects.list<KubernetesObject>(
        "v1",
        "ConfigMap",
        namespace,
        undefined,
        undefined,
        undefined,
        "metadata.name=any",
      );
      expect(items.map(({ metadata }) => metadata?.name)).toEqual(["any"]);
      await objects.delete(spec);
      await expect(objects.read(spec)).rejects.toMatchObject({ code: 404 });
      await expect(objects.create({ apiVersion: "v1", kind: "Nope", metadata: { name: "x" } })).rejects.toThrow(
        /Unrecognized API version and kind/,
      );
    });

    test("reviews, version, tokens", async () => {
      const review = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { verb: "get", resource: "pods" } } },
      });
      expect(review.status?.allowed).toBe(true);
      expect((await config.makeApiClient(VersionApi).getCode()).minor).toBe("36");
      const namespace = await makeNamespace();
      await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "robot" } } });
      const spec = { audiences: [], expirationSeconds: 600 };
      const { status } = await core.createNamespacedServiceAccountToken({ namespace, name: "robot", body: { spec } });
      expect(status?.token?.split(".")).toHaveLength(3);
    });

    test("the watch helper tells changes and the end", async () => {
      const namespace = await makeNamespace();
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      const { metadata } = await core.listNamespacedSecret({ namespace });
      const seen: string[] = [];
      const ended = Promise.withResolvers<unknown>();
      const query = { resourceVersion: metadata?.resourceVersion, timeoutSeconds: 4 };
      await new Watch(config).watch(
        path,
        query,
        (type: string, object: KubernetesObject) => void seen.push(`${type} ${object.metadata?.name}`),
        (error: unknown) => ended.resolve(error),
      );
      await core.createNamespacedSecret({ namespace, body: { metadata: { name: "a" } } });
      await core.deleteNamespacedSecret({ namespace, name: "a" });
      // Ended by the server, between events, when its time was over: no error.
      expect(await ended.promise).toBe(null);
      expect(seen).toEqual(["ADDED a", "DELETED a"]);
    });

    function informerOf(namespace: string, labelSelector?: string) {
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      const informer = makeInformer(
        config,
        path,
        () => core.listNamespacedSecret({ namespace, ...(labelSelector ? { labelSelector } : {}) }),
        labelSelector,
      );
      return { informer, heard: listenTo(informer) };
    }

    describe("an informer", () => {
      test("hears of what is there, comes, changes and goes", async () => {
        const namespace = await makeNamespace();
        await core.createNamespacedSecret({ namespace, body: secret("before") });
        const { informer, heard } = informerOf(namespace, "a=b");
        await informer.start();
        await core.createNamespacedSecret({ namespace, body: secret("during") });
        await core.createNamespacedSecret({ namespace, body: secret("unseen", {}) });
        await core.replaceNamespacedSecret({
          namespace,
          name: "before",
          body: { ...secret("before"), stringData: { x: "1" } },
        });
        await core.deleteNamespacedSecret({ namespace, name: "during" });
        await eventually(() => expect(heard).toEqual(["add before", "add during", "update before", "delete during"]), {
          withinMs: WITHIN_MS,
        });
        expect(informer.list().map(({ metadata }) => metadata?.name)).toEqual(["before"]);
        await informer.stop();
      });

      test("goes on after the server was restarted, without hearing anything twice", async () => {
        const namespace = await makeNamespace();
        await core.createNamespacedSecret({ namespace, body: { metadata: { name: "a" } } });
        const { informer, heard } = informerOf(namespace);
        const errors: unknown[] = [];
        // What the documentation of the library tells its users to do.
        informer.on("error", (error) => {
          errors.push(error);
          setTimeout(() => void informer.start(), 500);
        });
        await informer.start();
        await plane.restart();
        await core.createNamespacedSecret({ namespace, body: { metadata: { name: "b" } } });
        await eventually(() => expect(heard).toContain("add b"), { withinMs: WITHIN_MS });
        expect(heard.filter((line) => !line.startsWith("update"))).toEqual(["add a", "add b"]);
        await informer.stop();
      });
    });
  });
}

/** "add NAME", "update NAME", "delete NAME", in order. */
export function listenTo<T extends KubernetesObject>(informer: Informer<T> & ObjectCache<T>): string[] {
  const heard: string[] = [];
  for (const verb of ["add", "update", "delete"] as const) {
    informer.on(verb, (object: T) => void heard.push(`${verb} ${object.metadata?.name}`));
  }
  return heard;
}
