import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULT_AUDIT_POLICY } from "../audit/policy.ts";
import { auditConfigOf } from "./audit-options.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-audit-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(text: string) {
  const auditPolicyFile = join(folder, "policy.yaml");
  await writeFile(auditPolicyFile, text);
  return await auditConfigOf({ auditPolicyFile, auditRetentionDays: 7 });
}

test("a policy as kube-apiserver takes it is read, and the days it is kept", async () => {
  const { policy, limits } = await read(
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Request\n  verbs: [delete]\n",
  );
  expect(policy.rules).toEqual([{ level: "Request", verbs: ["delete"] }]);
  expect(limits.retentionMs).toBe(7 * 24 * 3_600_000);
});

test("without a file the default holds", async () => {
  expect((await auditConfigOf({ auditRetentionDays: 30 })).policy).toBe(DEFAULT_AUDIT_POLICY);
});

test("what is no policy, and what is not there, is told in one line", async () => {
  await expect(read("kind: Pod")).rejects.toThrow("is no audit policy: it is no Policy of audit.k8s.io/v1");
  await expect(read("a: [")).rejects.toThrow("cannot read the audit policy");
  const auditPolicyFile = join(folder, "none");
  await expect(auditConfigOf({ auditPolicyFile, auditRetentionDays: 1 })).rejects.toThrow("cannot read");
});
