/** Service account tokens of projected volumes: fetched once, renewed at 80 % of their life, kept on disk for a reboot without control plane. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../src/platform/platform.ts";
import type { Pod } from "../pods/pod.ts";

export interface TokenRequest {
  namespace: string;
  serviceAccount: string;
  podName: string;
  podUid: string;
  audience?: string;
  expirationSeconds: number;
}

export type PodToken = (request: TokenRequest) => Promise<{ token: string; expiresMs: number }>;

interface HeldToken {
  token: string;
  issuedMs: number;
  expiresMs: number;
}

export interface PodTokens {
  /** A token that is good for a while. When none can be had, an older one is better than none. @throws when there never was one */
  get(request: { audience: string | undefined; expirationSeconds: number }): Promise<string>;
  /** Unix ms at which the first token wants to be renewed; undefined without tokens. */
  renewAtMs(): number | undefined;
}

/** 80 % of the life, and after a day in any case (kubelet's rule). */
function renewAt({ issuedMs, expiresMs }: HeldToken): number {
  return issuedMs + Math.min((expiresMs - issuedMs) * 0.8, 24 * 3600 * 1000);
}

export function createPodTokens(deps: { pod: Pod; file: string; podToken: PodToken; clock: Clock }): PodTokens {
  const { pod, file, podToken, clock } = deps;
  let held: Map<string, HeldToken> | undefined;

  async function load(): Promise<Map<string, HeldToken>> {
    if (held !== undefined) return held;
    const text = await readFile(file, "utf8").catch(() => "[]");
    held = new Map(JSON.parse(text) as [string, HeldToken][]);
    return held;
  }

  async function save(tokens: Map<string, HeldToken>): Promise<void> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, JSON.stringify([...tokens]), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  return {
    async get({ audience, expirationSeconds }) {
      const tokens = await load();
      const key = `${audience ?? ""} ${expirationSeconds}`;
      const known = tokens.get(key);
      const issuedMs = clock.now();
      if (known !== undefined && issuedMs < renewAt(known)) return known.token;
      try {
        const { token, expiresMs } = await podToken({
          namespace: pod.metadata.namespace,
          serviceAccount: pod.spec.serviceAccountName ?? "default",
          podName: pod.metadata.name,
          podUid: pod.metadata.uid,
          ...(audience === undefined ? {} : { audience }),
          expirationSeconds,
        });
        tokens.set(key, { token, issuedMs, expiresMs });
        await save(tokens);
        return token;
      } catch (error) {
        if (known === undefined) throw error;
        return known.token;
      }
    },
    renewAtMs() {
      const times = [...(held ?? new Map<string, HeldToken>()).values()].map(renewAt);
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}
