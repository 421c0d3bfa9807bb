/** What a container becomes as a plain process of this machine, or why it cannot. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { EngineError, type ContainerConfig } from "../engine.ts";

export interface Program {
  /** The first word is an absolute path. */
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  uid: number | undefined;
  gid: number | undefined;
  /** What the pod asks for and nothing here enforces. */
  ignored: string[];
}

/**
 * Images that any machine stands for: what they run when the pod gives no command. As with every image, nothing of the image
 * itself is used.
 */
const BUILT_IN: Readonly<Record<string, { entrypoint: string[]; cmd: string[] }>> = {
  pause: { entrypoint: ["sleep", "2147483647"], cmd: [] },
  busybox: { entrypoint: [], cmd: ["sh"] },
  alpine: { entrypoint: [], cmd: ["sh"] },
  debian: { entrypoint: [], cmd: ["sh"] },
  ubuntu: { entrypoint: [], cmd: ["sh"] },
};

/**
 * Processes see the machine's own files, so a volume cannot appear at a path of the pod's choice. Left out without harm: what the
 * agent mounts into every container.
 */
const EVERY_CONTAINERS_MOUNTS = new Map<string, string | undefined>([
  ["/etc/hosts", undefined],
  ["/etc/resolv.conf", undefined],
  ["/dev/termination-log", "GANTRY_TERMINATION_LOG"],
  ["/var/run/secrets/kubernetes.io/serviceaccount", "GANTRY_SERVICE_ACCOUNT"],
]);

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** By this variable every process of a container is found again, also one that has left its process group. */
export const CONTAINER_VARIABLE = "GANTRY_CONTAINER_ID";

function baseName(image: string): string {
  const last = image.split("/").at(-1) ?? image;
  return last.split(/[:@]/)[0] ?? last;
}

/** @throws EngineError "refused" */
export async function programOf(at: { id: string; config: ContainerConfig; workDirectory: string }): Promise<Program> {
  const { id, config, workDirectory } = at;
  const words = wordsOf(config);
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? DEFAULT_PATH,
    HOME: workDirectory,
    ...Object.fromEntries(config.env.map(({ name, value }) => [name, value])),
    ...mountVariables(config),
    [CONTAINER_VARIABLE]: id,
  };
  const cwd = config.workingDir === "" ? workDirectory : config.workingDir;
  await access(cwd).catch((cause: unknown) => {
    throw new EngineError("refused", `this machine has no folder ${cwd} (workingDir)`, { cause });
  });
  return {
    argv: await resolveProgram(words, env["PATH"] ?? "", cwd),
    env,
    cwd,
    ...userOf(config),
    ignored: ignored(config),
  };
}

function wordsOf(config: ContainerConfig): [string, ...string[]] {
  const image = BUILT_IN[baseName(config.image)];
  const entrypoint = config.command.length > 0 ? config.command : (image?.entrypoint ?? []);
  const cmd = config.args.length > 0 || config.command.length > 0 ? config.args : (image?.cmd ?? []);
  const [first, ...rest] = [...entrypoint, ...cmd];
  if (first !== undefined && (config.command.length > 0 || image !== undefined)) return [first, ...rest];
  throw new EngineError(
    "refused",
    `the process engine cannot run the image ${config.image}: it unpacks no images. ` +
      "Give the container a command that this machine has, or install containerd and use --engine cri",
  );
}

function mountVariables(config: ContainerConfig): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const { hostPath, containerPath } of config.mounts) {
    if (hostPath === containerPath) continue;
    if (!EVERY_CONTAINERS_MOUNTS.has(containerPath)) {
      throw new EngineError(
        "refused",
        `the process engine cannot mount a volume at ${containerPath}: its containers share the machine's files. Use --engine cri`,
      );
    }
    const variable = EVERY_CONTAINERS_MOUNTS.get(containerPath);
    if (variable !== undefined) variables[variable] = hostPath;
  }
  return variables;
}

/** @throws EngineError "refused" when the machine has no such program */
export async function resolveProgram(
  [name = "", ...rest]: readonly string[],
  path: string,
  cwd: string,
): Promise<[string, ...string[]]> {
  const candidates = isAbsolute(name)
    ? [name]
    : name.includes("/")
      ? [join(cwd, name)]
      : path.split(delimiter).map((folder) => join(folder, name));
  for (const candidate of name === "" ? [] : candidates) {
    const runs = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return [candidate, ...rest];
  }
  throw new EngineError("refused", `this machine has no program ${JSON.stringify(name)}`);
}

function userOf({ security }: ContainerConfig): { uid: number | undefined; gid: number | undefined } {
  const own = process.getuid?.() ?? 0;
  const named = security.runAsUserName ?? "";
  if (named !== "" && security.runAsUser === undefined) {
    throw new EngineError(
      "refused",
      `the process engine has no images and so no user ${named}: give runAsUser a number`,
    );
  }
  const uid = security.runAsUser;
  if (uid === undefined || uid === own) return { uid: undefined, gid: undefined };
  if (own !== 0)
    throw new EngineError("refused", `only root can run a container as user ${uid}; the agent is user ${own}`);
  return { uid, gid: security.runAsGroup ?? uid };
}

function ignored({ security, resources, tty }: ContainerConfig): string[] {
  const found: string[] = [];
  if (security.readOnlyRootFilesystem) found.push("readOnlyRootFilesystem");
  if (security.dropCapabilities.length > 0 || security.addCapabilities.length > 0) found.push("capabilities");
  if (!security.allowPrivilegeEscalation) found.push("allowPrivilegeEscalation");
  if (security.seccomp !== undefined) found.push("seccompProfile");
  if (resources.memoryLimitBytes > 0) found.push("limits.memory");
  if (resources.cpuQuota > 0) found.push("limits.cpu");
  if (tty) found.push("tty");
  return found;
}
