import type { Log } from "../../src/platform/platform.ts";

/** For tests in which warnings are expected. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
