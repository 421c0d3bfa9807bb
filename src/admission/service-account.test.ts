import { describe, expect, it } from "vitest";
import type { Pod, PodSpec } from "../kinds/core/pods/types.ts";
import type { ServiceAccount } from "../kinds/core/serviceaccounts/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Random, Timers } from "../platform/platform.ts";
import { createServiceAccountPlugin, type Lookup } from "./service-account.ts";
import { attributesOf, podWith } from "./testing/attributes.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const random: Random = { uuid: () => "", fraction: () => 0, bytes: (length) => new Uint8Array(length) };
const MOUNT = { name: "kube-api-access-bbbbb", readOnly: true, mountPath: MOUNT_PATH };

interface Case {
  spec?: Partial<PodSpec>;
  account?: Partial<ServiceAccount>;
}

async function admitted({ spec = {}, account = {} }: Case): Promise<Pod> {
  const object = podWith(spec);
  const name = spec.serviceAccountName ?? "default";
  const lookup: Lookup = async (at) =>
    at.resource === "serviceaccounts" && at.namespace === "ns" && at.name === name
      ? { metadata: { name }, ...account }
      : undefined;
  await createServiceAccountPlugin({ lookup, random }).mutate?.(attributesOf({ object }));
  return object;
}

describe("ServiceAccount", () => {
  it("gives a pod the default account and a token", async () => {
    const { spec } = await admitted({});
    expect(spec).toEqual({
      serviceAccountName: "default",
      serviceAccount: "default",
      containers: [{ name: "c", volumeMounts: [MOUNT] }],
      volumes: [
        {
          name: "kube-api-access-bbbbb",
          projected: {
            defaultMode: 420,
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
              { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
              {
                downwardAPI: {
                  items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
                },
              },
            ],
          },
        },
      ],
    });
  });

  it.each<[string, Case, string]>([
    ["the one it names", { spec: { serviceAccountName: "builder" } }, "builder"],
    ["the default for an empty name", { spec: { serviceAccount: "" } }, "default"],
  ])("uses %s", async (_, given, expected) => {
    const { spec } = await admitted(given);
    expect([spec.serviceAccountName, spec.serviceAccount]).toEqual([expected, expected]);
  });

  it.each<[string, Case, boolean]>([
    ["by default", {}, true],
    ["where the pod says no", { spec: { automountServiceAccountToken: false } }, false],
    ["where the account says no", { account: { automountServiceAccountToken: false } }, false],
    [
      "where the pod overrules the account",
      { spec: { automountServiceAccountToken: true }, account: { automountServiceAccountToken: false } },
      true,
    ],
    [
      "where the pod overrules the account the other way",
      { spec: { automountServiceAccountToken: false }, account: { automountServiceAccountToken: true } },
      false,
    ],
  ])("mounts a token or not: %s", async (_, given, expected) => {
    const { spec } = await admitted(given);
    expect(spec.volumes !== undefined).toBe(expected);
    expect(spec.containers[0]?.volumeMounts !== undefined).toBe(expected);
  });

  it("mounts it in every container that has nothing there", async () => {
    const own = { name: "mine", mountPath: MOUNT_PATH };
    const data = { name: "data", mountPath: "/data" };
    const { spec } = await admitted({
      spec: {
        initContainers: [{ name: "i" }],
        containers: [
          { name: "c", volumeMounts: [data] },
          { name: "d", volumeMounts: [own] },
        ],
        volumes: [{ name: "data", emptyDir: {} }],
      },
    });
    expect(spec.initContainers?.[0]?.volumeMounts).toEqual([MOUNT]);
    expect(spec.containers.map((container) => container.volumeMounts)).toEqual([[data, MOUNT], [own]]);
    expect(spec.volumes?.map(({ name }) => name)).toEqual(["data", "kube-api-access-bbbbb"]);
  });

  it("adds no volume that nobody mounts", async () => {
    const own = { name: "mine", mountPath: MOUNT_PATH };
    const { spec } = await admitted({ spec: { containers: [{ name: "c", volumeMounts: [own] }] } });
    expect(spec.volumes).toBeUndefined();
  });

  it("uses the volume that a copied pod brings along", async () => {
    const volumes = [{ name: "kube-api-access-xyz12", projected: {} }];
    const { spec } = await admitted({ spec: { volumes } });
    expect(spec.volumes).toEqual([{ name: "kube-api-access-xyz12", projected: {} }]);
    expect(spec.containers[0]?.volumeMounts).toEqual([{ ...MOUNT, name: "kube-api-access-xyz12" }]);
  });

  it("takes over the pull secrets of the account, unless the pod has its own", async () => {
    const account = { imagePullSecrets: [{ name: "registry" }] };
    expect((await admitted({ account })).spec.imagePullSecrets).toEqual([{ name: "registry" }]);
    const own = [{ name: "own" }];
    expect((await admitted({ account, spec: { imagePullSecrets: own } })).spec.imagePullSecrets).toEqual(own);
  });

  it("refuses an account that does not exist", async () => {
    const plugin = createServiceAccountPlugin({ lookup: async (at) => namespace(at), random });
    const object = podWith({ serviceAccountName: "nobody" });
    const refusal: unknown = await Promise.resolve(plugin.mutate?.(attributesOf({ object }))).catch(
      (error: unknown) => error,
    );
    expect(isStatusError(refusal, "Forbidden") && refusal.message).toBe(
      'pods "p" is forbidden: error looking up service account ns/nobody: serviceaccount "nobody" not found',
    );
  });

  it("waits for nothing in a namespace that is not there", async () => {
    const timers: Timers = { after: () => expect.unreachable("waits") };
    const plugin = createServiceAccountPlugin({ lookup: async () => undefined, random, timers });
    const refusal: unknown = await Promise.resolve(plugin.mutate?.(attributesOf({ object: podWith() }))).catch(
      (error: unknown) => error,
    );
    expect(isStatusError(refusal, "NotFound") && refusal.message).toBe('namespaces "ns" not found');
  });

  it("waits for the default account of a new namespace, and for no other", async () => {
    const delaysMs: number[] = [];
    const timers: Timers = {
      after(delayMs, run) {
        delaysMs.push(delayMs);
        queueMicrotask(run);
        return () => undefined;
      },
    };
    let lookups = 0;
    const lookup: Lookup = async (at) => namespace(at) ?? (++lookups < 3 ? undefined : { metadata: { name: at.name } });
    const plugin = createServiceAccountPlugin({ lookup, random, timers });
    const object = podWith();
    await plugin.mutate?.(attributesOf({ object }));
    expect(object.spec.serviceAccountName).toBe("default");
    expect(delaysMs).toEqual([150, 150]);

    lookups = Number.NEGATIVE_INFINITY;
    delaysMs.length = 0;
    const named = attributesOf({ object: podWith({ serviceAccountName: "nobody" }) });
    await expect(Promise.resolve(plugin.mutate?.(named))).rejects.toThrow(/"nobody" not found$/);
    expect(delaysMs).toEqual([]);
    await expect(Promise.resolve(plugin.mutate?.(attributesOf({ object: podWith() })))).rejects.toThrow(/not found$/);
    expect(delaysMs).toHaveLength(9);
  });

  it("leaves updates and other resources alone", async () => {
    const plugin = createServiceAccountPlugin({ lookup: async () => undefined, random });
    for (const parts of [{ operation: "UPDATE" as const }, { resource: "podtemplates" }, { subresource: "binding" }]) {
      const object = podWith();
      await plugin.mutate?.(attributesOf({ object, ...parts }));
      expect(object).toEqual(podWith());
    }
  });
});

/** The namespace, where that is what is asked for. */
function namespace({ resource, name }: Parameters<Lookup>[0]): KubeObject | undefined {
  return resource === "namespaces" ? { metadata: { name } } : undefined;
}
