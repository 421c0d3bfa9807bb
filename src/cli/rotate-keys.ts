import { createHttpsFetch } from "../../agent/https-fetch.ts";
import { ROTATION_PATH } from "../http/key-rotation.ts";
import type { RotationReport } from "../pki/rotate-keys.ts";
import { renewMasterKey } from "../platform/node/data-folder.ts";
import { StartupError } from "../platform/node/server.ts";
import { readAccess } from "./access.ts";

/** `gantry rotate-keys`: asks until it is done. Ended in the middle, the next call goes on. */
export async function rotateKeys(options: { data: string }): Promise<void> {
  const { url, clusterCa, adminToken } = await readAccess(options.data);
  const https = createHttpsFetch({ ca: clusterCa });
  try {
    let rewritten = 0;
    for (;;) {
      const headers = { authorization: `Bearer ${adminToken}` };
      const answer = await https.fetch(new Request(url + ROTATION_PATH, { method: "POST", headers }));
      if (!answer.ok) throw new StartupError(`the control plane answered ${answer.status}: ${await answer.text()}`);
      const report = (await answer.json()) as RotationReport;
      rewritten += report.rewritten;
      if (!report.done) continue;
      process.stdout.write(summaryOf({ ...report, rewritten }));
      return;
    }
  } finally {
    https.close();
  }
}

/** `gantry rotate-keys --master`. The running process goes on with the key it has read. */
export async function rotateMasterKey(options: { data: string }): Promise<void> {
  await renewMasterKey(options.data);
  process.stdout.write(
    "There is a new master key. Start Gantry again: it seals everything anew and drops the old one.\n",
  );
}

function summaryOf({ dataKey, rewritten, unreadable, tokenKeySignsFromMs }: RotationReport): string {
  const lines = [
    `values at rest: key ${dataKey}, ${rewritten} rows written anew`,
    `tokens: the newest key signs from ${new Date(tokenKeySignsFromMs).toISOString()} on`,
  ];
  if (unreadable > 0) lines.push(`${unreadable} rows cannot be decrypted by any key; they were left as they are`);
  return `${lines.join("\n")}\n`;
}
