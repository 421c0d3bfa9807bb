/** Getting a container's image onto the node: pull policy, credentials, back-off, events (pkg/kubelet/images). */
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { Clock } from "../../src/platform/platform.ts";
import { EngineError, type Engine } from "../engines/engine.ts";
import type { BackOff } from "./back-off.ts";
import type { Container, Pod } from "./pod.ts";
import { secretData } from "./env.ts";
import type { Limiter } from "./limiter.ts";

/** A container that could not be started; `reason` is what its status shows while it waits. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: string;
  /** How long not to try again. */
  readonly retryAfterMs: number;
  constructor(reason: string, message: string, options: { retryAfterMs: number; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface ImageSources {
  secret: (namespace: string, name: string) => KubeObject | undefined;
  event(type: "Normal" | "Warning", reason: string, message: string): void;
}

export interface PulledImage {
  imageRef: string;
  user?: string;
  uid?: number;
}

export interface Images {
  /** @throws StartError */
  ensure(pod: Pod, container: Container, sources: ImageSources): Promise<PulledImage>;
}

/** "nginx" → "docker.io", "registry:5000/a/b" → "registry:5000". */
export function registryOf(image: string): string {
  const first = image.split("/")[0] ?? "";
  const named = image.includes("/") && (first.includes(".") || first.includes(":") || first === "localhost");
  return named ? first : "docker.io";
}

interface DockerConfig {
  auths?: Record<string, { username?: string; password?: string; auth?: string }>;
}

/** Credentials of the pod's imagePullSecrets that fit the registry, in order. */
export function credentialsFor(
  pod: Pod,
  image: string,
  secret: ImageSources["secret"],
): { username: string; password: string }[] {
  const registry = registryOf(image);
  const found: { username: string; password: string }[] = [];
  for (const { name = "" } of pod.spec.imagePullSecrets ?? []) {
    const object = secret(pod.metadata.namespace, name);
    if (object === undefined) continue;
    const bytes = secretData(object)[".dockerconfigjson"];
    if (bytes === undefined) continue;
    for (const [host, entry] of Object.entries(readConfig(bytes).auths ?? {})) {
      const bare = host.replace(/^https?:\/\//, "").split("/")[0];
      if (bare !== registry && !(registry === "docker.io" && bare?.endsWith("docker.io"))) continue;
      const [user, ...rest] = Buffer.from(entry.auth ?? "", "base64")
        .toString("utf8")
        .split(":");
      found.push({ username: entry.username ?? user ?? "", password: entry.password ?? rest.join(":") });
    }
  }
  return found;
}

function readConfig(bytes: Uint8Array): DockerConfig {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as DockerConfig;
  } catch {
    return {};
  }
}

/** Without a policy: what the API server defaults to by the tag. */
function policyOf(container: Container): "Always" | "IfNotPresent" | "Never" {
  if (container.imagePullPolicy) return container.imagePullPolicy;
  const image = container.image ?? "";
  const tag = image.includes("@") ? "digest" : (/:([^/:]+)$/.exec(image)?.[1] ?? "latest");
  return tag === "latest" ? "Always" : "IfNotPresent";
}

export function createImages(deps: { engine: Engine; clock: Clock; backOff: BackOff; pulls: Limiter }): Images {
  const { engine, clock, backOff, pulls } = deps;

  async function pull(pod: Pod, image: string, sources: ImageSources): Promise<string> {
    const logins = credentialsFor(pod, image, sources.secret);
    const errors: unknown[] = [];
    for (const auth of logins) {
      try {
        return await engine.pullImage(image, auth);
      } catch (error) {
        errors.push(error);
      }
    }
    if (logins.length > 0) throw errors.at(-1);
    return engine.pullImage(image);
  }

  return {
    async ensure(pod, container, sources) {
      const image = container.image ?? "";
      const policy = policyOf(container);
      const present = await engine.imageStatus(image);
      if (present !== undefined && policy !== "Always") {
        sources.event("Normal", "Pulled", `Container image "${image}" already present on machine`);
        return present;
      }
      if (policy === "Never") {
        const text = `Container image "${image}" is not present with pull policy of Never`;
        sources.event("Warning", "ErrImageNeverPull", text);
        throw new StartError("ErrImageNeverPull", text, { retryAfterMs: 10_000 });
      }
      const key = `${pod.metadata.uid} ${image}`;
      sources.event("Normal", "Pulling", `Pulling image "${image}"`);
      const begunMs = clock.now();
      try {
        const imageRef = await pulls.run(() => pull(pod, image, sources));
        const took = ((clock.now() - begunMs) / 1000).toFixed(3).replace(/\.?0+$/, "");
        sources.event("Normal", "Pulled", `Successfully pulled image "${image}" in ${took}s`);
        backOff.forget(key);
        return { imageRef, ...(await engine.imageStatus(image)) };
      } catch (error) {
        const nowMs = clock.now();
        const retryAfterMs = backOff.next(key, { nowMs, sinceMs: nowMs });
        const why = error instanceof Error ? error.message : String(error);
        const refused = error instanceof EngineError && error.code === "refused";
        sources.event("Warning", "Failed", `Failed to pull image "${image}": ${why}`);
        sources.event("Warning", "Failed", "Error: ErrImagePull");
        throw new StartError(refused ? "ErrImageNeverPull" : "ErrImagePull", why, { retryAfterMs, cause: error });
      }
    },
  };
}
