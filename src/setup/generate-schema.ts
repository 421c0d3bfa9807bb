/**
 * Makes `.generated/` from the pinned OpenAPI document of Kubernetes: `structure.js` (all definitions without prose, one line
 * each, so that a definition costs nothing until it is asked for) and `descriptions.js` (the prose, imported only by who
 * explains). Runs before every npm script, so it ends at once when the folder is current.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const PACKAGE = "@forklift-ui/types@1.0.10 (Kubernetes v1.36.0)";
const SHA256 = "dcede2063da1d7ad62ecb5af8adb6d7fabd0b52385a7fa0048afb491dac90450";

const root = resolve(import.meta.dirname, "../..");
const source = resolve(root, "node_modules/@forklift-ui/types/src/generated/kubernetes/swagger.json");
const folder = resolve(root, ".generated");

type Json = Record<string, unknown>;

const STRUCTURE_TYPES = `/** One definition a line, sorted: its name, a tab, its OpenAPI schema without descriptions. A $ref is the bare name. */
export const structure: string;
/** Names the document that everything here was made from. */
export const specification: string;
`;
const DESCRIPTIONS_TYPES = `import type { Parameters } from "../src/http/openapi/path-items.ts";
/** Every text once. */
export const texts: readonly string[];
/** Indices into texts: of a definition under "", of its fields under their names. */
export const definitions: Readonly<Record<string, Readonly<Record<string, number>>>>;
/** Query parameters of operations. */
export const parameters: Omit<Parameters, "shared"> & { shared: readonly string[] };
/** Definitions of what DELETE answers with the object instead of a Status. */
export const answersDeleted: readonly string[];
`;

function fail(message: string): never {
  process.stderr.write(`generate-schema: ${message}\n`);
  process.exit(1);
}

function readSource(): string {
  let text: string;
  try {
    text = readFileSync(source, "utf8");
  } catch {
    return fail(`${source} is missing: run npm ci to install ${PACKAGE}`);
  }
  const found = createHash("sha256").update(text).digest("hex");
  if (found === SHA256) return text;
  return fail(`the OpenAPI document of ${PACKAGE} has changed: expected sha256 ${SHA256}, found ${found}`);
}

/** A schema without its prose, with bare names as references. */
function stripped(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => stripped(item));
  if (typeof value !== "object" || value === null) return value;
  const out: Json = {};
  for (const [key, member] of Object.entries(value)) {
    if (!isMap && key === "description") continue;
    if (key === "$ref" && typeof member === "string") out[key] = member.replace("#/definitions/", "");
    else out[key] = stripped(member, !isMap && key === "properties");
  }
  return out;
}

function structureOf(definitions: Record<string, Json>): string {
  const lines = Object.keys(definitions)
    .toSorted()
    .map((name) => `${name}\t${JSON.stringify(stripped(definitions[name]))}`);
  const text = lines.join("\n");
  // The text goes into a raw template literal, which spares the loader all unescaping.
  if (/[`\\]|\$\{/.test(text)) fail("the OpenAPI document has a character that a raw template literal cannot hold");
  return `export const structure = String.raw\`${text}\`;\nexport const specification = "${SHA256}";\n`;
}

function descriptionsOf({ definitions, ...document }: Specification): string {
  const texts: string[] = [];
  const indices = new Map<string, number>();
  const index = (text: string): number => {
    const known = indices.get(text);
    if (known !== undefined) return known;
    indices.set(text, texts.length);
    return texts.push(text) - 1;
  };
  const table: Record<string, Record<string, number>> = {};
  for (const [name, definition] of Object.entries(definitions)) {
    const entry: Record<string, number> = {};
    if (typeof definition["description"] === "string") entry[""] = index(definition["description"]);
    for (const [field, schema] of Object.entries((definition["properties"] ?? {}) as Record<string, Json>)) {
      if (typeof schema["description"] === "string") entry[field] = index(schema["description"]);
    }
    table[name] = entry;
  }
  const exported = {
    texts,
    definitions: table,
    parameters: parametersOf(document),
    answersDeleted: answersDeletedOf(document),
  };
  return Object.entries(exported)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`)
    .join("");
}

interface Specification {
  definitions: Record<string, Json>;
  parameters: Record<string, Parameter>;
  paths: Record<string, PathItem>;
}

type Parameter = { $ref?: string; name: string; in: string; schema?: { $ref: string } } & Json;
type PathItem = Record<string, Operation> & { parameters?: Parameter[] };
type Operation = Json & {
  parameters?: Parameter[];
  responses: Record<string, { schema?: { $ref?: string } }>;
  "x-kubernetes-action"?: string;
  "x-kubernetes-group-version-kind"?: { kind: string };
};

/** Every operation on resources, with its path and all its parameters. */
function* operationsOf(paths: Specification["paths"]) {
  for (const [path, { parameters: common = [], ...methods }] of Object.entries(paths)) {
    for (const operation of Object.values(methods as Record<string, Operation>)) {
      const action = operation["x-kubernetes-action"];
      if (action !== undefined)
        yield { path, action, operation, parameters: [...common, ...(operation.parameters ?? [])] };
    }
  }
}

/**
 * Operations of one sort take the same query parameters: a set has the name of the action, or of the kind of options that is handed
 * on ("PodExecOptions"). That it is so is checked here.
 */
function parametersOf({ paths, parameters }: Omit<Specification, "definitions">): Json {
  const published: Record<string, unknown> = {};
  const shared = new Set<string>();
  const sharedBodies: Record<string, string> = {};
  const sets: Record<string, string[]> = {};

  const idOf = (parameter: Parameter): string | undefined => {
    const id = parameter.$ref?.replace("#/parameters/", "");
    const { name, in: place, schema, ...rest } = (id === undefined ? parameter : parameters[id]) ?? parameter;
    if (place === "body") {
      if (id !== undefined && schema) sharedBodies[schema.$ref.replace("#/definitions/", "")] = id;
      return undefined;
    }
    if (place === "path" && name === "name") return undefined;
    const key = id ?? name;
    published[key] = { name, in: place, ...rest };
    if (id !== undefined) shared.add(id);
    return place === "path" && name === "namespace" ? undefined : key;
  };

  for (const { path, action, operation, parameters: taken } of operationsOf(paths)) {
    const name = setName(path, action, operation);
    const ids = taken.flatMap((parameter) => idOf(parameter) ?? []).toSorted();
    const known = (sets[name] ??= ids);
    if (known.join() !== ids.join()) fail(`operations "${name}" differ in their parameters: ${path}`);
  }
  return { published, shared: [...shared].toSorted(), sharedBodies, sets };
}

function setName(path: string, action: string, operation: Operation): string {
  if (action === "get" && path.endsWith("/log")) return "PodLogOptions";
  if (action !== "connect") return action;
  return `${operation["x-kubernetes-group-version-kind"]?.kind}${path.endsWith("/{path}") ? "WithPath" : ""}`;
}

function answersDeletedOf({ paths }: Pick<Specification, "paths">): string[] {
  const found = new Set<string>();
  for (const { action, operation } of operationsOf(paths)) {
    const answer = operation.responses["200"]?.schema?.$ref?.replace("#/definitions/", "");
    if (action === "delete" && answer !== undefined && !answer.endsWith(".Status")) found.add(answer);
  }
  return [...found].toSorted();
}

/** Whole files only: another npm script may be reading them. */
function write(name: string, text: string): void {
  const path = resolve(folder, name);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/**
 * What the folder was made from: the document and this very program. The document is known by its size and time here, which
 * spares reading four megabytes on every npm script; its hash was checked when the folder was made.
 */
function stamp(): string {
  const program = createHash("sha256")
    .update(readFileSync(import.meta.filename))
    .digest("hex");
  const { size, mtimeMs } = statSync(source);
  return `${SHA256} ${size} ${mtimeMs} ${program}\n`;
}

function isCurrent(): boolean {
  try {
    return readFileSync(resolve(folder, "stamp"), "utf8") === stamp();
  } catch {
    return false;
  }
}

function main(): void {
  if (isCurrent()) return;
  const document = JSON.parse(readSource()) as Specification;
  mkdirSync(folder, { recursive: true });
  write("structure.js", structureOf(document.definitions));
  write("structure.d.ts", STRUCTURE_TYPES);
  write("descriptions.js", descriptionsOf(document));
  write("descriptions.d.ts", DESCRIPTIONS_TYPES);
  write("stamp", stamp());
}

main();
