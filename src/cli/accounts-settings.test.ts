import { expect, test } from "vitest";
import { accountsSettingsOf } from "./accounts-settings.ts";

const url = "https://mail.example.test/hook";

test.each([
  [{}, {}],
  [{ GANTRY_MAIL_WEBHOOK_URL: url, GANTRY_MAIL_WEBHOOK_SECRET: "s" }, { mail: { url, secret: "s" } }],
  [
    { GANTRY_GITHUB_CLIENT_ID: "i", GANTRY_GITHUB_CLIENT_SECRET: "s" },
    { github: { clientId: "i", clientSecret: "s" } },
  ],
])("%j", (environment, settings) => {
  expect(accountsSettingsOf(environment)).toEqual(settings);
});

test.each([
  [{ GANTRY_MAIL_WEBHOOK_URL: url }, /GANTRY_MAIL_WEBHOOK_SECRET belong together/],
  [{ GANTRY_GITHUB_CLIENT_SECRET: "s" }, /belong together/],
  [{ GANTRY_MAIL_WEBHOOK_URL: "nowhere", GANTRY_MAIL_WEBHOOK_SECRET: "s" }, /no address/],
])("%j is refused", (environment, message) => {
  expect(() => accountsSettingsOf(environment)).toThrow(message);
});
