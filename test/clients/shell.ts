/** kubectl as it is typed: one string a command, in a namespace of the suite's own, and answers without what differs between runs. */
import { expect } from "vitest";
import type { Finished, Kubectl, RunOptions } from "../harness/kubectl.ts";

export interface Shell {
  readonly namespace: string;
  readonly kubectl: Kubectl;
  /** Runs to its end, whatever its exit code; all output settled. */
  run(line: string, options?: RunOptions): Promise<Finished>;
  /** stdout, settled, of a command that must succeed. */
  ok(line: string, options?: RunOptions): Promise<string>;
  /** stderr, settled, of a command that must end with `code` (1). */
  fails(line: string, options?: RunOptions & { code?: number }): Promise<string>;
  /** `LINE -o json` of a command that must succeed, parsed. */
  json<T = AnyObject>(line: string, options?: RunOptions): Promise<T>;
  /** Words of a line with the namespace in front, for what goes on running. */
  words(line: string): string[];
}

export interface AnyObject {
  kind: string;
  apiVersion: string;
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
    ownerReferences?: { uid: string; name: string }[];
    managedFields?: { manager: string; operation: string; subresource?: string }[];
  };
  // Suites look into whatever kind they have asked for.
  // oxlint-disable-next-line typescript/no-explicit-any
  spec: any;
  // oxlint-disable-next-line typescript/no-explicit-any
  status: any;
  data?: Record<string, string>;
}

let made = 0;

/** Makes a namespace and answers a shell in it. */
export async function openShell(kubectl: Kubectl, topic: string): Promise<Shell> {
  const namespace = `${topic}-${made++}`;
  await kubectl.ok(["create", "namespace", namespace]);
  return shellIn(kubectl, namespace);
}

export function shellIn(kubectl: Kubectl, namespace: string): Shell {
  const words = (line: string): string[] => ["-n", namespace, ...splitWords(line)];
  const run: Shell["run"] = async (line, options) => {
    const { code, stdout, stderr } = await kubectl.run(words(line), options);
    return { code, stdout: settled(stdout), stderr: settled(stderr) };
  };
  return {
    namespace,
    kubectl,
    words,
    run,
    async ok(line, options) {
      const { code, stdout, stderr } = await run(line, options);
      if (code !== 0) throw new Error(`kubectl ${line} ended with ${code}\n${stdout}${stderr}`);
      return stdout;
    },
    async fails(line, options) {
      const { code, stdout, stderr } = await run(line, options);
      expect({ line, code, stdout: code === 0 ? stdout : "" }).toEqual({ line, code: options?.code ?? 1, stdout: "" });
      return stderr;
    },
    async json<T>(line: string, options?: RunOptions) {
      const { code, stdout, stderr } = await kubectl.run([...words(line), "-o", "json"], options);
      if (code !== 0) throw new Error(`kubectl ${line} ended with ${code}\n${stdout}${stderr}`);
      return JSON.parse(stdout) as T;
    },
  };
}

/** Words at spaces; quotes of either kind keep a word together. */
export function splitWords(line: string): string[] {
  const words = line.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  return words.map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_all, single, double) => single ?? double ?? ""));
}

/** Ages, columns' widths and the space at the end of lines differ from run to run. */
export function settled(text: string): string {
  return text
    .split("\n")
    .map((line) =>
      line
        .replaceAll(/(?<=\s|^)(?:\d+m)?\d+s\b/g, "AGE")
        .replaceAll(/(?<=\S) {2,}/g, "  ")
        .trimEnd(),
    )
    .join("\n")
    .replace(/\n+$/, "");
}

/** The lines of a settled text, each without its indentation. */
export function lines(text: string): string[] {
  return text === "" ? [] : text.split("\n");
}
