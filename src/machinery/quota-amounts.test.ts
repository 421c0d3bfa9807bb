import { describe, expect, it } from "vitest";
import { chargeQuota } from "./quota-amounts.ts";

const STATUS = {
  hard: { pods: "2", "requests.cpu": "1", "requests.memory": "1Gi" },
  used: { pods: "1", "requests.cpu": "900m" },
};

describe("a charge", () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ["adds up", { pods: "1", "requests.cpu": "100m" }, { pods: "2", "requests.cpu": "1" }],
    ["begins at zero", { "requests.memory": "64Mi" }, { pods: "1", "requests.cpu": "900m", "requests.memory": "64Mi" }],
    ["counts what is limited", { secrets: "1", pods: "0" }, STATUS.used],
    ["gives back", { pods: "-1", "requests.cpu": "-400m" }, { pods: "0", "requests.cpu": "500m" }],
    ["gives back no more than was taken", { pods: "-3" }, { pods: "0", "requests.cpu": "900m" }],
  ])("%s", (_, usage, used) => {
    expect(chargeQuota(STATUS, usage)).toEqual({ used });
  });

  it("that is too much names what is short, in order", () => {
    expect(chargeQuota(STATUS, { "requests.memory": "2Gi", "requests.cpu": "101m", pods: "1" })).toEqual({
      exceeded:
        "requested: requests.cpu=101m,requests.memory=2Gi, used: requests.cpu=900m, limited: requests.cpu=1,requests.memory=1Gi",
    });
  });

  it("may give back where there is too much already", () => {
    expect(chargeQuota({ hard: { pods: "1" }, used: { pods: "5" } }, { pods: "-1" })).toEqual({ used: { pods: "4" } });
    expect(chargeQuota({ hard: { pods: "1" }, used: { pods: "5" } }, { secrets: "1" })).toEqual({
      used: { pods: "5" },
    });
  });
});
