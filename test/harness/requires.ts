/** Tests that need programs of the system: where one is missing they are skipped, and their name says what was missing. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "vitest";

function isInstalled(program: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Those of the programs this machine lacks; "root" is lacking without its rights. */
export function missing(programs: readonly string[]): string[] {
  return programs.filter((program) => (program === "root" ? process.getuid?.() !== 0 : !isInstalled(program)));
}

/** `requires("nft", "ip", "root")("services", () => { … })` */
export function requires(...programs: string[]): (name: string, suite: () => void) => void {
  const lacking = missing(programs);
  return (name, suite) => {
    if (lacking.length === 0) describe(name, suite);
    else describe.skip(`${name} (missing here: ${lacking.join(", ")})`, suite);
  };
}
