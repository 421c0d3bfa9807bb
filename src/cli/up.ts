import { resolve } from "node:path";
import { startControlPlane } from "../platform/node/control-plane.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import { accountsSettingsOf } from "./accounts-settings.ts";
import { writeAccess } from "./access.ts";
import { auditConfigOf } from "./audit-options.ts";
import { readAuthenticationConfig } from "./authentication-config.ts";
import { startLocalNode } from "./local-node.ts";
import type { UpOptions } from "./main.ts";
import { pluginsOf } from "./plugin-options.ts";
import { nextSteps } from "./next-steps.ts";
import { untilStopped } from "./until-stopped.ts";

/** `gantry up`, which is `npm start`. */
export async function up(options: UpOptions): Promise<void> {
  const platform = createNodePlatform({ level: "warn" });
  const plane = await startControlPlane({
    platform,
    data: options.data,
    host: options.host,
    port: options.port,
    ...(options.authenticationConfig === undefined
      ? {}
      : { authentication: await readAuthenticationConfig(options.authenticationConfig) }),
    accounts: accountsSettingsOf(process.env),
    config: {
      audit: await auditConfigOf({
        ...(options.auditPolicyFile === undefined ? {} : { auditPolicyFile: options.auditPolicyFile }),
        auditRetentionDays: options.auditRetention ?? 30,
      }),
      plugins: pluginsOf(options),
      nodeMonitorGraceMs: options.nodeMonitorGrace * 1000,
      notReadyTolerationSeconds: options.notReadyToleration,
    },
  });
  const kubeconfig = resolve(options.data, "kubeconfig");
  await writeAccess(plane, { folder: options.data, kubeconfig });
  const node = options.agent ? await startLocalNode(options, plane, platform) : undefined;
  process.stdout.write(nextSteps({ url: plane.url, kubeconfig, node: node && options.nodeName }));
  void node?.ended.then((code) => {
    if (code !== 0 && code !== null)
      process.stderr.write(`gantry: the local node ended (exit code ${code}); the API goes on\n`);
    return undefined;
  });
  await untilStopped(async () => {
    process.stdout.write("\nStopping: pods first, then the control plane …\n");
    await node?.stop();
    await plane.stop();
  });
  process.exit(0);
}
