import { expect, it } from "vitest";
import type { SigningRequestView } from "../../controller-runtime/views/signing-request-view.ts";
import { metaView } from "../../controller-runtime/views/view.ts";
import { planCleaning } from "./plan.ts";

const HOUR_MS = 3_600_000;
const MADE_MS = Date.UTC(2026, 10, 27);
const at = (hours: number) => new Date(MADE_MS + hours * HOUR_MS).toISOString();
const condition = (type: string, hours: number) => ({ type, status: "True", lastUpdateTime: at(hours) });

const view = (part: Partial<SigningRequestView>): SigningRequestView => ({
  metadata: metaView({ name: "r", creationTimestamp: at(0) }),
  signerName: "example.com/s",
  conditions: [],
  isIssued: false,
  ...part,
});

it.each<[what: string, part: Partial<SigningRequestView>, hours: number]>([
  ["nobody has decided", {}, 24],
  ["denied", { conditions: [condition("Denied", 2)] }, 3],
  ["failed", { conditions: [condition("Approved", 2), condition("Failed", 5)] }, 6],
  ["approved, not signed", { conditions: [condition("Approved", 2)] }, Number.POSITIVE_INFINITY],
  ["issued", { conditions: [condition("Approved", 2)], isIssued: true }, 3],
  [
    "issued for ten minutes",
    { conditions: [condition("Approved", 2)], isIssued: true, endsMs: MADE_MS + 2.1 * HOUR_MS },
    2.1,
  ],
  [
    "issued, for a year",
    { conditions: [condition("Approved", 2)], isIssued: true, endsMs: MADE_MS + 9_000 * HOUR_MS },
    3,
  ],
  ["a decision without a time", { conditions: [{ type: "Denied", status: "True" }] }, Number.POSITIVE_INFINITY],
  ["something else was noted", { conditions: [condition("Seen", 2)] }, Number.POSITIVE_INFINITY],
])("%s", (_, part, hours) => {
  expect(planCleaning(view(part))).toBe(MADE_MS + hours * HOUR_MS);
});
