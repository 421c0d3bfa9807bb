/**
 * `npm run conformance [-- --edge] [REGEX]`: Kubernetes' own conformance tests against a control plane of this machine whose nodes
 * only say that they run pods. For maintainers: needs Go, kubectl and minutes. All tests but those of not-run.ts, or of these just
 * the ones whose name matches.
 */
import { spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHttpsFetch } from "../../agent/https-fetch.ts";
import { createClient } from "../../src/client/fetch-client.ts";
import { startControlPlane, type ControlPlane } from "../clients/control-plane.ts";
import { runKubelets } from "./kubelets.ts";
import { NOT_RUN } from "./not-run.ts";
import { buildTestBinary, type TestBinary } from "./test-binary.ts";

interface SpecReport {
  ContainerHierarchyTexts: string[] | null;
  LeafNodeText: string;
  State: string;
  /** Nanoseconds. */
  RunTime: number;
  Failure?: { Message: string };
}

const MESSAGE_CHARACTERS_MAX = 600;
const FOLDER = fileURLToPath(new URL("../../.generated/conformance", import.meta.url));

/** What the tests say meanwhile. */
const LOG = join(FOLDER, "tests.log");

const args = process.argv.slice(2);
const wanted = new RegExp(args.find((arg) => !arg.startsWith("--")) ?? "");
const binary = await buildTestBinary(FOLDER);
const names = binary.names.filter((name) => wanted.test(name) && !NOT_RUN.some(({ tests }) => tests.test(name)));
console.log(`${names.length} tests run, ${LOG} tells of them`);
const plane = await startControlPlane(args.includes("--edge") ? "edge" : "node");
const ended = new AbortController();
const https = createHttpsFetch({ ca: plane.ca });
const client = createClient({
  baseUrl: plane.url,
  fetch: https.fetch,
  token: () => plane.token,
  userAgent: "fake-kubelets",
});
const kubelets = runKubelets(client, ended.signal);
// A failure is seen below, where it is awaited.
kubelets.catch(() => {});
try {
  const reports = await run(binary, plane);
  const failures = reports.filter(({ State }) => State !== "passed");
  console.log(`${reports.length - failures.length} of ${names.length} passed`);
  process.exitCode = failures.length === 0 && reports.length === names.length ? 0 : 1;
} finally {
  ended.abort();
  await kubelets.finally(async () => {
    https.close();
    await plane.stop();
  });
}

/** What became of each test, printed too. */
async function run({ path }: TestBinary, { kubeconfig }: ControlPlane): Promise<SpecReport[]> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-conformance-"));
  const report = join(folder, "report.json");
  try {
    const focus = names.map((name) => name.replaceAll(/[.^$*+?()[\]{}|\\/]/g, "\\$&")).join("|");
    const options = [
      `--kubeconfig=${kubeconfig}`,
      "--provider=skeleton",
      "--dump-logs-on-failure=false",
      `--ginkgo.focus=${focus}`,
      `--ginkgo.json-report=${report}`,
      "--ginkgo.timeout=2h",
      "--ginkgo.no-color",
    ];
    const log = await open(LOG, "w");
    const child = spawn(path, options, { stdio: ["ignore", log.fd, log.fd] });
    await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject));
    await log.close();
    const [suite] = JSON.parse(await readFile(report, "utf8")) as { SpecReports: SpecReport[] }[];
    const all = (suite?.SpecReports ?? []).filter((spec) => spec.State !== "skipped" && names.includes(nameOf(spec)));
    for (const spec of all) print(spec);
    return all;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function nameOf({ ContainerHierarchyTexts, LeafNodeText }: SpecReport): string {
  return [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(" ");
}

function print(spec: SpecReport): void {
  console.log(`${spec.State} ${(spec.RunTime / 1e9).toFixed(1)} s ${nameOf(spec)}`);
  if (spec.Failure) console.log(spec.Failure.Message.slice(0, MESSAGE_CHARACTERS_MAX));
}
