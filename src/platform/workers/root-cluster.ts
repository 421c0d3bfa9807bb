import { ISSUERS_MAX } from "../../authn/oidc/configuration.ts";
import { SYSTEM_PREFIX, type IssuerRules } from "../../authn/oidc/validation.ts";

/** The cluster at the root of a deployment: its id, and the name of its database where there are several. */
export const ROOT_CLUSTER = "default";
/** Of its service accounts' tokens. */
export const ROOT_ISSUER = "https://kubernetes.default.svc.cluster.local";

/** What may be named as an issuer outside that it believes. */
export const ROOT_ISSUER_RULES: IssuerRules = {
  issuersMax: ISSUERS_MAX,
  disallowedIssuers: [ROOT_ISSUER, `${ROOT_ISSUER}/nodes`],
  reservedPrefixes: [SYSTEM_PREFIX],
  publicAddressesOnly: true,
  takesCertificateAuthority: false,
};
