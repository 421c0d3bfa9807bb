/**
 * Who this machine is: its key, made once and never sent, and the credential it is given for it. Both are kept on disk, so that a
 * restart needs neither token nor network.
 */
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { signProof } from "../src/authn/key-proof.ts";
import type { Fetch } from "../src/client/client.ts";
import type { Status } from "../src/machinery/status-error.ts";
import { isStatusError, StatusError } from "../src/machinery/status-error.ts";
import type { Platform } from "../src/platform/platform.ts";
import type { JoinRequest, JoinResponse, PublicKeyJwk, RenewRequest } from "../src/relay/protocol.ts";

export interface NodeIdentity {
  /** The newest credential. */
  credential(): string;
  /** What the control plane told at the last join or renewal. */
  current(): JoinResponse;
  /** PKCS #8 PEM of the node's key: the relay serves TLS with it. */
  keyPem: string;
  /** Gets a new credential now, if need be by joining again. @throws StatusError, Error */
  renew(): Promise<void>;
  /** Called with each new credential. Returns the undo. */
  onRenewed(listener: (answer: JoinResponse) => void): () => void;
  /** Ends the timer. */
  stop(): void;
}

export interface IdentityOptions {
  /** e.g. "https://api.example.com" */
  server: string;
  nodeName: string;
  /** Needed when nothing is on disk, and when the node was deleted meanwhile. */
  token?: string | undefined;
  directory: string;
  fetch: Fetch;
  platform: Platform;
}

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;
const ARCHITECTURES: Record<string, string> = { x64: "amd64", arm: "arm", arm64: "arm64", ia32: "386" };

/** @throws StatusError when the join is refused; Error when the node has another name on disk, or there is neither token nor credential */
export async function openIdentity(options: IdentityOptions): Promise<NodeIdentity> {
  const { directory, nodeName, platform } = options;
  const { clock, timers, random, log } = platform;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keyPem = await readOrCreateKey(joinPath(directory, "node.key"));
  const key = createPrivateKey(keyPem);
  const file = joinPath(directory, "credential.json");
  const listeners = new Set<(answer: JoinResponse) => void>();

  const stored = await readCredential(file);
  if (stored && stored.nodeName !== nodeName)
    throw new Error(`${directory} holds the credential of node "${stored.nodeName}", not "${nodeName}"`);
  let current = stored ?? (await keep(await callJoin(options, key)));
  let stopTimer: (() => void) | undefined;
  let stopped = false;
  let failures = 0;

  async function keep(answer: JoinResponse): Promise<JoinResponse> {
    await writeAtomically(file, JSON.stringify(answer));
    return answer;
  }

  let renewing: Promise<void> | undefined;
  /** Several may ask at once, when a credential is refused: one renewal serves them all. */
  function renew(): Promise<void> {
    renewing ??= renewOnce().finally(() => (renewing = undefined));
    return renewing;
  }

  async function renewOnce(): Promise<void> {
    try {
      current = await keep(await callRenew(options, key, current.credential));
    } catch (error) {
      // The Node was deleted, or the machine was off for too long: only a token helps.
      if (!isStatusError(error, "Unauthorized") || options.token === undefined) throw error;
      current = await keep(await callJoin(options, key));
    }
    for (const listener of listeners) listener(current);
  }

  function schedule(delayMs: number): void {
    stopTimer?.();
    if (stopped) return;
    stopTimer = timers.after(delayMs, () => {
      renew().then(
        () => {
          failures = 0;
          return schedule(untilRenewal());
        },
        (error: unknown) => {
          failures += 1;
          const back = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures);
          log.warn("the node's credential could not be renewed", { error });
          schedule(back * (0.5 + random.fraction() / 2));
        },
      );
    });
  }

  /** Two thirds of what is left of its life, less up to a tenth, so that a fleet does not renew at once. */
  function untilRenewal(): number {
    return Math.max(0, (current.expiresMs - clock.now()) * (2 / 3) * (0.9 + random.fraction() / 10));
  }

  schedule(untilRenewal());
  return {
    credential: () => current.credential,
    current: () => current,
    keyPem,
    async renew() {
      await renew();
      schedule(untilRenewal());
    },
    onRenewed(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop() {
      stopped = true;
      stopTimer?.();
    },
  };
}

async function callJoin(options: IdentityOptions, key: KeyObject): Promise<JoinResponse> {
  const { token, nodeName, platform } = options;
  if (token === undefined) throw new Error(`node "${nodeName}" has not joined yet: a join token is needed`);
  const body: JoinRequest = {
    nodeName,
    publicKey: publicJwk(key),
    proof: await signProof({ privateKey: key, purpose: "join", token, nowMs: platform.clock.now() }),
    os: process.platform,
    arch: ARCHITECTURES[process.arch] ?? process.arch,
  };
  return call(options, "/agent/v1/join", token, body);
}

async function callRenew(options: IdentityOptions, key: KeyObject, credential: string): Promise<JoinResponse> {
  const nowMs = options.platform.clock.now();
  const body: RenewRequest = {
    publicKey: publicJwk(key),
    proof: await signProof({ privateKey: key, purpose: "renew", token: credential, nowMs }),
  };
  return call(options, "/agent/v1/renew", credential, body);
}

async function call(
  { server, fetch }: IdentityOptions,
  path: string,
  token: string,
  body: JoinRequest | RenewRequest,
): Promise<JoinResponse> {
  const response = await fetch(
    new Request(server + path, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
  return readAnswer<JoinResponse>(response);
}

/** @throws StatusError for any answer but 200 */
export async function readAnswer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  const text = await response.text();
  let status: Partial<Status> = {};
  try {
    status = JSON.parse(text) as Partial<Status>;
  } catch {
    // A proxy on the way answers what it likes.
  }
  if (status.kind === "Status") throw StatusError.fromStatus(status as Status);
  throw new StatusError("ServiceUnavailable", `the server answered ${response.status}`, { code: response.status });
}

/**
 * The cluster's CA from the server itself, trusted only because its key has the given fingerprint, as with kubeadm's
 * `--discovery-token-ca-cert-hash sha256:<hex of the SPKI's digest>`. Nothing secret is sent before. `fetch` may trust anybody.
 */
export async function discoverCa(options: { server: string; fingerprint: string; fetch: Fetch }): Promise<string> {
  const response = await options.fetch(new Request(`${options.server}/agent/v1/ca`));
  if (!response.ok) throw new Error(`the server answered ${response.status} when asked for its CA`);
  const pem = await response.text();
  const actual = caFingerprint(pem);
  if (actual !== options.fingerprint.toLowerCase())
    throw new Error(`the server's CA is ${actual}, expected ${options.fingerprint}: this is not the server you meant`);
  return pem;
}

export function caFingerprint(pem: string): string {
  const spki = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}

function publicJwk(key: KeyObject): PublicKeyJwk {
  const { kty, crv, x, y } = key.export({ format: "jwk" }) as unknown as PublicKeyJwk;
  return { kty, crv, x, y };
}

async function readOrCreateKey(file: string): Promise<string> {
  const existing = await readIfPresent(file);
  if (existing !== undefined) return existing;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  await writeAtomically(file, pem);
  return pem;
}

async function readCredential(file: string): Promise<JoinResponse | undefined> {
  const text = await readIfPresent(file);
  return text === undefined ? undefined : (JSON.parse(text) as JoinResponse);
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Readable by the owner only; after a power cut either the old or the new text is there. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
