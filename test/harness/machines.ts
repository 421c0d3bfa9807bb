/** Machines with keys of their own that join a test cluster as agents do, by nothing but `fetch`. */
import { signProof } from "../../src/authn/key-proof.ts";
import type { JoinResponse } from "../../src/relay/protocol.ts";
import type { AgentAccess } from "../../src/app.ts";
import { StatusError } from "../../src/machinery/status-error.ts";
import { make } from "./grants.ts";
import type { Answer, TestCluster } from "./cluster.ts";

type Api = Pick<TestCluster, "call" | "cluster">;

export interface Machine {
  publicKey: { kty: "EC"; crv: "P-256"; x: string; y: string };
  prove(purpose: "join" | "renew", token: string, nowMs: number): Promise<string>;
}

export async function createMachine(): Promise<Machine> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const made = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  if (!("privateKey" in made)) throw new Error("no pair of keys was made");
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", made.publicKey);
  return {
    publicKey: { kty: "EC", crv: "P-256", x, y },
    prove: (purpose, token, nowMs) => signProof({ privateKey: made.privateKey, purpose, token, nowMs }),
  };
}

/** `more` goes into the request as it is. */
export async function join(
  api: Api,
  { machine, nodeName, token, more = {} }: { machine: Machine; nodeName: string; token: string; more?: object },
): Promise<Answer<JoinResponse & { message?: string }>> {
  const nowMs = api.cluster.platform.clock.now();
  const proof = await machine.prove("join", token, nowMs);
  const body = { nodeName, publicKey: machine.publicKey, proof, os: "linux", arch: "amd64", ...more };
  return await api.call("/agent/v1/join", { method: "POST", token, body });
}

export async function renew(
  api: Api,
  { machine, credential, more = {} }: { machine: Machine; credential: string; more?: object },
): Promise<Answer<JoinResponse & { message?: string }>> {
  const proof = await machine.prove("renew", credential, api.cluster.platform.clock.now());
  const body = { publicKey: machine.publicKey, proof, ...more };
  return await api.call("/agent/v1/renew", { method: "POST", token: credential, body });
}

/** `id.secret`; as kubeadm makes them, good for many nodes, unless it is said to be for one. */
export async function makeJoinToken(api: Api, { id, data = {} }: { id: string; data?: object }): Promise<string> {
  await make(api, "/api/v1/namespaces/kube-system/secrets", {
    metadata: { name: `bootstrap-token-${id}` },
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      "token-id": id,
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
      ...data,
    },
  });
  return `${id}.0123456789abcdef`;
}

/** The data of a token that lets one node join. */
export const FOR_ONE_NODE = { "gantry.dev.single-use": "true" };

/** A machine that is a node. */
export async function joined(api: Api, nodeName: string): Promise<Machine & { credential: string }> {
  const id = `j${nodeName}`.padEnd(6, "0").slice(0, 6);
  const [machine, token] = await Promise.all([createMachine(), makeJoinToken(api, { id })]);
  const answer = await join(api, { machine, nodeName, token });
  if (answer.status !== 200) throw new Error(answer.text);
  return { ...machine, credential: answer.body.credential };
}

async function refuse(): Promise<never> {
  throw new StatusError("ServiceUnavailable", "there are no sockets here");
}

/** Nodes may join and sync; there are no sockets. */
export function agentsWithoutSockets(): AgentAccess {
  return { sockets: { tunnel: refuse, stream: refuse }, seen: () => {} };
}
