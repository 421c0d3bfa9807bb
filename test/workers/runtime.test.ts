import { expect, test } from "vitest";
import { testRuntime } from "../harness/test-runtime.ts";

const { missing, name } = testRuntime;
const suffix = missing === undefined ? "" : ` (${missing})`;

test.skipIf(missing !== undefined)(`the suites of the API and the models run inside workerd${suffix}`, () => {
  expect(name).toBe("workerd");
  expect(navigator.userAgent).toBe("Cloudflare-Workers");
});
