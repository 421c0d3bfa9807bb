/** docs/resources.md, made from the code: everything that is served, and what nothing acts upon yet. */
import { compareGroups, compareText, compareVersions } from "../http/api-order.ts";
import { REVIEWS } from "../http/reviews.ts";
import { AWAITED } from "../kinds/acted-upon.ts";
import { kinds } from "../kinds/index.ts";
import { groupResource } from "../machinery/gvk.ts";
import { ALL_VERBS, type KindDefinition } from "../registry/kind.ts";

const INTRODUCTION = `# Resources

Made by \`npm run docs\` from the kinds in \`src/kinds/\`; a test fails when it is out of date. All verbs are ${ALL_VERBS.join(", ")}.
Columns in parentheses are those of \`kubectl get -o wide\`.

What stands under "nothing does this yet" is stored, validated, defaulted and watched, and that is all: what a stock cluster makes of
such an object is still to come.
`;

const HEAD = `| Resource | Kind | Short names | Scope | Verbs | Subresources | Columns | Nothing does this yet |
| --- | --- | --- | --- | --- | --- | --- | --- |`;

/** Markdown. */
export function resourcesPage(): string {
  const versions = Map.groupBy(kinds, apiVersionOf);
  const sections = [...versions.entries()]
    .toSorted(([, [a]], [, [b]]) => (a && b ? inOrder(a, b) : 0))
    .map(([apiVersion, of]) => section(apiVersion, of));
  return `${[INTRODUCTION, ...sections, reviews()].join("\n").trimEnd()}\n`;
}

function inOrder(a: KindDefinition, b: KindDefinition): number {
  return compareGroups(a.group, b.group) || compareVersions(a.version, b.version);
}

function apiVersionOf({ group, version }: KindDefinition): string {
  return group === "" ? version : `${group}/${version}`;
}

function section(apiVersion: string, of: readonly KindDefinition[]): string {
  const rows = of.toSorted((a, b) => compareText(a.plural, b.plural)).map(row);
  return [`## ${apiVersion}`, "", HEAD, ...rows, ""].join("\n");
}

function row(kind: KindDefinition): string {
  const cells = [
    `\`${kind.plural}\``,
    kind.kind,
    kind.shortNames.join(", "),
    kind.namespaced ? "namespace" : "cluster",
    verbsOf(kind.verbs),
    kind.subresources
      .map(({ name }) => name)
      .toSorted(compareText)
      .join(", "),
    kind.columns.map(({ name, priority }) => (priority === 1 ? `(${name})` : name)).join(", "),
    AWAITED.get(groupResource(kind.group, kind.plural)) ?? "",
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function verbsOf(verbs: readonly string[]): string {
  return verbs.length === ALL_VERBS.length ? "all" : verbs.toSorted(compareText).join(", ");
}

function reviews(): string {
  const rows = REVIEWS.map(({ plural, kind, group, version }) => `| \`${plural}\` | ${kind} | ${group}/${version} |`);
  return ["## Asked and never stored", "", "| Resource | Kind | Version |", "| --- | --- | --- |", ...rows].join("\n");
}
