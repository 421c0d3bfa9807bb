/** Issuers outside that a cluster believes: an AuthenticationConfiguration, as kube-apiserver takes it from a file. */
import { configurationFault, readConfiguration } from "../../../authn/oidc/configuration.ts";
import type { FieldError } from "../../../machinery/status-error.ts";
import { AccountsError } from "../../accounts.ts";
import { issuerRules } from "../../issuers.ts";
import { clusterFor, nothingHere, route, type Route } from "../route.ts";
import type { Schema } from "../schema.ts";

const PATH = "/v1/clusters/{cluster}/authentication";
const CONFIGURATION: Schema<object> = {
  json: {
    type: "object",
    description: "An AuthenticationConfiguration (apiserver.config.k8s.io/v1) with `jwt` alone.",
  },
};
const NONE = { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", jwt: [] };

export const authenticationRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: PATH,
    operationId: "getAuthentication",
    summary: "The OIDC issuers whose tokens the cluster believes; needs the role admin",
    answer: CONFIGURATION,
    async handle(services, call) {
      const { id } = await clusterFor(services, call, "admin");
      const text = await services.issuers.read(id);
      if (text === undefined) throw nothingHere();
      return { body: text === null ? NONE : (JSON.parse(text) as object) };
    },
  }),
  route({
    method: "PUT",
    path: PATH,
    operationId: "setAuthentication",
    summary: "These issuers in place of the former ones, within seven seconds; needs the role admin",
    body: CONFIGURATION,
    answer: CONFIGURATION,
    async handle(services, call) {
      const { id } = await clusterFor(services, call, "admin");
      const configuration = readConfiguration(call.body, issuerRules({ ...services, id }));
      if ("errors" in configuration) throw refused(configuration.errors);
      await services.issuers.write(id, JSON.stringify(call.body));
      return { body: call.body };
    },
  }),
  route({
    method: "DELETE",
    path: PATH,
    operationId: "deleteAuthentication",
    summary: "No issuers outside any more, within seven seconds; needs the role admin",
    status: 204,
    async handle(services, call) {
      const { id } = await clusterFor(services, call, "admin");
      await services.issuers.write(id, null);
      return { status: 204 };
    },
  }),
];

const ERRORS_MAX = 20;

function refused(errors: readonly FieldError[]): AccountsError {
  const pointers = errors
    .slice(0, ERRORS_MAX)
    .map(({ field, message }) => ({ pointer: pointerOf(field), detail: message }));
  return new AccountsError("invalid", configurationFault(errors), { errors: pointers });
}

/** "jwt[0].issuer.url" as RFC 6901 has it. */
function pointerOf(field: string): string {
  return field === "" ? "" : `/${field.replaceAll(/\[(\d+)\]/g, ".$1").replaceAll(".", "/")}`;
}
