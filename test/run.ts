/**
 * `npm test`: every project, then what this machine could not run, by name. Arguments are passed on as file filters;
 * `--project NAME` runs one project. In CI a skipped test is a failure: nothing of that kind may be missing there.
 */
import { startVitest, type TestCase } from "vitest/node";

const asked = parseArguments(process.argv.slice(2));
const vitest = await startVitest("test", asked.filters, {
  watch: false,
  run: true,
  reporters: process.env["CI"] === "true" ? ["verbose"] : ["default"],
  ...(asked.projects.length > 0 ? { project: asked.projects } : {}),
});

const tests: TestCase[] = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
const brokenModules = vitest.state.getTestModules().filter((module) => !module.ok() && module.errors().length > 0);
const stateOf = (test: TestCase) => test.result().state;
const passed = tests.filter((test) => stateOf(test) === "passed");
const failed = tests.filter((test) => stateOf(test) === "failed");
const skipped = tests.filter((test) => stateOf(test) === "skipped" || stateOf(test) === "pending");
const unhandled = vitest.state.getUnhandledErrors().length;

// A skip whose name says "missing here" is this machine's fault; others belong to an implementation that has no such thing.
const missing = skipped.filter((test) => test.fullName.includes("missing here"));
const inapplicable = skipped.filter((test) => !missing.includes(test));
print("Does not apply to an implementation:", inapplicable);
print("Not run, for this machine lacks something:", missing);
print("Failed:", failed);
for (const module of brokenModules) console.log(`Could not be loaded: ${module.moduleId}`);
const failures = failed.length + brokenModules.length + unhandled;
console.log(`\n${passed.length} passed, ${failures} failed, ${skipped.length} skipped`);
await vitest.close();
const missingInCi = process.env["CI"] === "true" && missing.length > 0;
if (missingInCi) console.log("In CI nothing may be missing: install what these tests need.");
process.exit(failures > 0 || passed.length === 0 || missingInCi ? 1 : 0);

function print(title: string, cases: readonly TestCase[]): void {
  if (cases.length === 0) return;
  console.log(`\n${title}`);
  for (const test of cases) console.log(`  ${test.module.project.name}: ${test.fullName}`);
}

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
