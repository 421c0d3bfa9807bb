/**
 * What `kubectl explain` has to print of a kind, out of the published OpenAPI v2 document: the rules are those of kubectl's template
 * (kubernetes/kubectl/pkg/explain/v2/templates/plaintext.tmpl). Values of enumerations are not in that document.
 */
import { readFileSync } from "node:fs";

interface Node {
  $ref?: string;
  type?: string;
  description?: string;
  required?: string[];
  properties?: Record<string, Node>;
  items?: Node;
  additionalProperties?: Node;
  "x-kubernetes-group-version-kind"?: Gvk[];
}

interface Gvk {
  group: string;
  version: string;
  kind: string;
}

/** Types that are one of two in version 3 of OpenAPI, so that they go by their names. */
const NAMED = new Set([
  "io.k8s.apimachinery.pkg.api.resource.Quantity",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
]);

export interface Explanations {
  /** The head, and a block for each field: its line and its description with single spaces. */
  ofFields(gvk: Gvk): string[];
  /** The lines of `--recursive`, from "FIELDS:" on. */
  recursive(gvk: Gvk): string[];
}

export function readExplanations(): Explanations {
  const source = new URL(
    "../../node_modules/@forklift-ui/types/src/generated/kubernetes/swagger.json",
    import.meta.url,
  );
  const { definitions } = JSON.parse(readFileSync(source, "utf8")) as { definitions: Record<string, Node> };

  function definitionOf(gvk: Gvk): Node {
    const found = Object.values(definitions).find((node) =>
      node["x-kubernetes-group-version-kind"]?.some(
        (one) => JSON.stringify(ordered(one)) === JSON.stringify(ordered(gvk)),
      ),
    );
    if (!found) throw new Error(`${gvk.group}/${gvk.version} ${gvk.kind} is not in the specification`);
    return found;
  }

  const nameOf = ({ $ref = "" }: Node): string => $ref.split("/").at(-1) ?? "";

  function typeOf(node: Node): string {
    if (node.items) return `[]${typeOf(node.items)}`;
    if (node.additionalProperties) return `map[string]${typeOf(node.additionalProperties)}`;
    if (node.$ref === undefined) return node.type === undefined || node.type === "object" ? "Object" : node.type;
    const name = nameOf(node);
    const { type = "object" } = definitions[name] ?? {};
    return NAMED.has(name) || type === "object" ? (name.split(".").at(-1) ?? "") : type;
  }

  const lineOf = (owner: Node, name: string, node: Node): string =>
    `${name}\t<${typeOf(node)}>${owner.required?.includes(name) ? " -required-" : ""}`;

  const fieldsOf = (node: Node): [string, Node][] =>
    Object.entries(node.properties ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));

  function recursive(node: Node, level: number, seen: readonly string[]): string[] {
    const name = nameOf(node);
    if (name !== "" && seen.includes(name)) return [];
    const target = name === "" ? node : (definitions[name] ?? {});
    const inner = [...seen, name];
    const fields = fieldsOf(target).flatMap(([field, child]) => [
      `${"  ".repeat(level)}${lineOf(target, field, child)}`,
      ...recursive(child, level + 1, inner),
    ]);
    const parts = [target.items, target.additionalProperties].flatMap((part) =>
      part ? recursive(part, level, inner) : [],
    );
    return [...fields, ...parts];
  }

  return {
    ofFields(gvk) {
      const node = definitionOf(gvk);
      const group = gvk.group === "" ? [] : [`GROUP: ${gvk.group}`];
      const head = [
        ...group,
        `KIND: ${gvk.kind}`,
        `VERSION: ${gvk.version}`,
        "DESCRIPTION:",
        node.description ?? "<empty>",
      ];
      const fields = fieldsOf(node).map(
        ([field, child]) => `${lineOf(node, field, child)} ${child.description ?? "<no description>"}`,
      );
      return [[...head, "FIELDS:"].join(" "), ...fields].map(spaced);
    },
    recursive: (gvk) => recursive(definitionOf(gvk), 1, []),
  };
}

/** What kubectl printed, in the same form as `ofFields`. */
export function blocksOf(text: string): string[] {
  return withoutEnums(text)
    .split(/\n(?= {2}\S+\t<)/)
    .map(spaced);
}

/** What kubectl printed of the fields, line by line. */
export function fieldLinesOf(text: string): string[] {
  const lines = withoutEnums(text).split("\n");
  return lines.slice(lines.indexOf("FIELDS:") + 1).filter((line) => line.trim() !== "");
}

function withoutEnums(text: string): string {
  return text.replaceAll(/^ *enum: .*\n/gm, "");
}

function spaced(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function ordered({ group, version, kind }: Gvk): Gvk {
  return { group, version, kind };
}
