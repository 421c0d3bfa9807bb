/** All routes of /v1 but those of better-auth. */
import type { Route } from "../route.ts";
import { auditRoutes } from "./audit.ts";
import { authenticationRoutes } from "./authentication.ts";
import { clusterRoutes } from "./clusters.ts";
import { meRoutes } from "./me.ts";
import { memberRoutes } from "./members.ts";
import { organisationRoutes } from "./organisations.ts";
import { tokenRoutes } from "./tokens.ts";

export const routes: readonly Route[] = [
  ...meRoutes,
  ...organisationRoutes,
  ...memberRoutes,
  ...clusterRoutes,
  ...auditRoutes,
  ...authenticationRoutes,
  ...tokenRoutes,
];
