/** Which requests are recorded, and how much of them: audit.k8s.io/v1 Policy, judged as k8s.io/apiserver/pkg/audit/policy does. */

export const AUDIT_LEVELS = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

export const AUDIT_STAGES = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
/** Of a request: it came; its answer begins and goes on (watches, streams); it is answered; or it failed as nobody had foreseen. */
export type AuditStage = (typeof AUDIT_STAGES)[number];

/** The first rule that matches decides; without a match nothing is recorded. */
export interface AuditPolicy {
  kind?: "Policy";
  apiVersion?: "audit.k8s.io/v1";
  rules: readonly AuditRule[];
  /** Of no request is there an event of these, whatever its rule says. */
  omitStages?: readonly AuditStage[];
  /** Bodies are recorded without metadata.managedFields, where a rule says nothing else. */
  omitManagedFields?: boolean;
}

export interface AuditRule {
  level: AuditLevel;
  users?: readonly string[];
  userGroups?: readonly string[];
  verbs?: readonly string[];
  /** Alone with `namespaces` it limits a rule to resources. */
  resources?: readonly { group?: string; resources?: readonly string[]; resourceNames?: readonly string[] }[];
  namespaces?: readonly string[];
  nonResourceURLs?: readonly string[];
  /** Beside those of the policy. */
  omitStages?: readonly AuditStage[];
  omitManagedFields?: boolean;
}

/** What is recorded of one request. */
export interface AuditScope {
  level: AuditLevel;
  omitStages: ReadonlySet<AuditStage>;
  omitManagedFields: boolean;
}

/** What a rule looks at. */
export interface AuditedRequest {
  user: { name: string; groups: readonly string[] };
  verb: string;
  path: string;
  resource?: { group: string; resource: string; subresource: string; namespace: string; name: string };
}

/**
 * Who changed what, who read a Secret, and who went into a pod. Not recorded: other reads; Events and Leases, which are many and say
 * nothing of what people do; questions about permissions, which change nothing.
 */
export const DEFAULT_AUDIT_POLICY: AuditPolicy = {
  // That a request came is told by its answer: one row a request, and two where the answer goes on.
  omitStages: ["RequestReceived"],
  rules: [
    {
      level: "None",
      resources: [
        { group: "", resources: ["events"] },
        { group: "events.k8s.io" },
        { group: "coordination.k8s.io", resources: ["leases"] },
        { group: "authorization.k8s.io" },
      ],
    },
    // Nodes renew the tokens of their pods for as long as these run: an idle cluster would write for ever.
    { level: "None", userGroups: ["system:nodes"], resources: [{ group: "", resources: ["serviceaccounts/token"] }] },
    {
      level: "Metadata",
      verbs: ["create", "update", "patch", "delete", "deletecollection", "post", "put"],
    },
    {
      level: "Metadata",
      resources: [{ group: "", resources: ["secrets", "pods/exec", "pods/attach", "pods/portforward", "*/proxy"] }],
    },
  ],
};

/** Their bodies hold secrets, or may: whatever a rule says, no more than metadata is recorded of them. */
const SENSITIVE: ReadonlySet<string> = new Set([
  "/secrets",
  "/configmaps",
  "/serviceaccounts/token",
  "authentication.k8s.io/tokenreviews",
]);

export function isSensitive({ resource }: Pick<AuditedRequest, "resource">): boolean {
  if (!resource) return false;
  const { group, resource: plural, subresource } = resource;
  return SENSITIVE.has(`${group}/${plural}`) || SENSITIVE.has(`${group}/${plural}/${subresource}`);
}

export function scopeOf(policy: AuditPolicy, request: AuditedRequest): AuditScope {
  const rule = policy.rules.find((one) => matches(one, request));
  const level = rule?.level ?? "None";
  return {
    level: level === "None" || !isSensitive(request) ? level : "Metadata",
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])]),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

function matches(rule: AuditRule, request: AuditedRequest): boolean {
  const { users = [], userGroups = [], verbs = [], resources = [], namespaces = [], nonResourceURLs = [] } = rule;
  const { user, verb } = request;
  if (verbs.length > 0 && !verbs.includes(verb)) return false;
  if (users.length > 0 && !users.includes(user.name)) return false;
  if (userGroups.length > 0 && !user.groups.some((group) => userGroups.includes(group))) return false;
  if (namespaces.length > 0 || resources.length > 0) return matchesResource({ namespaces, resources }, request);
  if (nonResourceURLs.length === 0) return true;
  return !request.resource && nonResourceURLs.some((pattern) => matchesPath(pattern, request.path));
}

function matchesResource(
  { namespaces, resources }: Required<Pick<AuditRule, "namespaces" | "resources">>,
  { resource: asked }: AuditedRequest,
): boolean {
  if (!asked) return false;
  if (namespaces.length > 0 && !namespaces.includes(asked.namespace)) return false;
  if (resources.length === 0) return true;
  return resources.some(({ group = "", resources: plurals = [], resourceNames = [] }) => {
    if (group !== "*" && group !== asked.group) return false;
    if (plurals.length === 0) return true;
    if (resourceNames.length > 0 && !resourceNames.includes(asked.name)) return false;
    return plurals.some((pattern) => matchesPlural(pattern, asked));
  });
}

// "pods", "pods/log", "*" (everything), "*/scale" (of any resource), "pods/*" (all of pods).
function matchesPlural(pattern: string, { resource, subresource }: { resource: string; subresource: string }): boolean {
  if (pattern === "*") return true;
  if (pattern === (subresource === "" ? resource : `${resource}/${subresource}`)) return true;
  if (subresource !== "" && pattern.startsWith("*/")) return pattern.slice(2) === subresource;
  return pattern.endsWith("/*") && pattern.slice(0, -2) === resource;
}

function matchesPath(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1));
}
