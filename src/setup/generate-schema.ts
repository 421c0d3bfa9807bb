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
`;
const DESCRIPTIONS_TYPES = `/** Every text once. */
export const texts: readonly string[];
/** Indices into texts: of a definition under "", of its fields under their names. */
export const definitions: Readonly<Record<string, Readonly<Record<string, number>>>>;
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
  return `export const structure = String.raw\`${text}\`;\n`;
}

function descriptionsOf(definitions: Record<string, Json>): string {
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
  return `export const texts = ${JSON.stringify(texts)};\nexport const definitions = ${JSON.stringify(table)};\n`;
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
  const document = JSON.parse(readSource()) as { definitions: Record<string, Json> };
  mkdirSync(folder, { recursive: true });
  write("structure.js", structureOf(document.definitions));
  write("structure.d.ts", STRUCTURE_TYPES);
  write("descriptions.js", descriptionsOf(document.definitions));
  write("descriptions.d.ts", DESCRIPTIONS_TYPES);
  write("stamp", stamp());
}

main();
