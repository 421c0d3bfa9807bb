/**
 * `npm test`: every project, then what this machine could not run, by name. Arguments are passed on as file filters;
 * `--project NAME` runs one project. In CI a skipped test is a failure: nothing of that kind may be missing there.
 */
import { startVitest, type TestCase } from "vitest/node";

const { filters, projects } = parseArguments(process.argv.slice(2));
const vitest = await startVitest("test", filters, {
  watch: false,
  run: true,
  reporters: process.env["CI"] === "true" ? ["verbose"] : ["default"],
  ...(projects.length > 0 ? { project: projects } : {}),
});

const tests: TestCase[] = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
const brokenModules = vitest.state.getTestModules().filter((module) => !module.ok() && module.errors().length > 0);
const stateOf = (test: TestCase) => test.result().state;
const passed = tests.filter((test) => stateOf(test) === "passed");
const failed = tests.filter((test) => stateOf(test) === "failed");
const skipped = tests.filter((test) => stateOf(test) === "skipped" || stateOf(test) === "pending");
const unhandled = vitest.state.getUnhandledErrors().length;

if (skipped.length > 0) {
  console.log("\nNot run here:");
  for (const test of skipped) console.log(`  ${test.module.project.name}: ${test.fullName}`);
}
if (failed.length > 0) {
  console.log("\nFailed:");
  for (const test of failed) console.log(`  ${test.module.project.name}: ${test.fullName}`);
}
const failures = failed.length + brokenModules.length + unhandled;
console.log(`\n${passed.length} passed, ${failures} failed, ${skipped.length} skipped`);
await vitest.close();
const missingInCi = process.env["CI"] === "true" && skipped.length > 0;
if (missingInCi) console.log("In CI every test must run: install what the skipped ones need.");
process.exit(failures > 0 || passed.length === 0 || missingInCi ? 1 : 0);

function parseArguments(args: string[]): { filters: string[]; projects: string[] } {
  const filters: string[] = [];
  const projects: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--project") projects.push(args[++i] ?? "");
    else filters.push(arg);
  }
  return { filters, projects };
}
