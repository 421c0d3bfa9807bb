/** The same keys, certificates and credentials in workerd. */
// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it first
import "reflect-metadata";
import { X509Certificate } from "@peculiar/x509";
import { exportJWK, generateKeyPair } from "jose";
import { expect, test } from "vitest";
import { memorySettings } from "../../test/harness/memory-settings.ts";
import { signProof, thumbprint, type NodePublicKey } from "../authn/key-proof.ts";
import { createNodeCredentials, nodeIdentityOf } from "../authn/node-credential.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../cluster.ts";
import { createWorkersPlatform } from "../platform/workers/platform.ts";
import { loadClusterKeys } from "./load-cluster-keys.ts";
import { issueServerIdentity } from "./server-identity.ts";

const { clock, random } = createWorkersPlatform("test");
const settings = memorySettings();
const load = () => loadClusterKeys({ settings, masterKey: new Uint8Array(32).fill(3), clock, random });

test("keys are made once, and what they issue verifies", async () => {
  const keys = await load();
  expect((await load()).clusterCa).toBe(keys.clusterCa);
  const identity = await issueServerIdentity({ keys, clock, cluster: DEFAULT_CLUSTER_CONFIG });
  const authority = new X509Certificate(keys.clusterCa);
  const [leafPem = ""] = identity.certificatePem.split(/(?<=-----END CERTIFICATE-----\n)/);
  const leaf = new X509Certificate(leafPem);
  expect(await leaf.verify({ publicKey: authority.publicKey }, crypto)).toBe(true);
  expect(await authority.isSelfSigned(crypto)).toBe(true);
});

test("a node's credential is issued, accepted and renewed by its key", async () => {
  const credentials = createNodeCredentials({ keys: await load(), clock, issuer: "https://gantry.test" });
  const pair = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const publicKey = { kty, crv, x, y } as NodePublicKey;
  const identity = { nodeName: "n1", keyThumbprint: await thumbprint(publicKey) };
  const { credential } = await credentials.issue(identity);
  expect(nodeIdentityOf(await credentials.authenticate({ token: credential }))).toEqual(identity);
  const proof = await signProof({
    privateKey: pair.privateKey,
    purpose: "renew",
    token: credential,
    nowMs: clock.now(),
  });
  expect(await credentials.verifyRenewal({ credential, publicKey, proof })).toEqual(identity);
});
