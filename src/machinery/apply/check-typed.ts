/** Holds a configuration against its type, with the texts of typed/validate.go in sigs.k8s.io/structured-merge-diff. */
import { elementText } from "./path-element.ts";
import { goQuote, goValue } from "../go-text.ts";
import { isRawNumber } from "../patch/json-value.ts";
import { ITEMS_MAX, tooManyItems, weightOf } from "../object-limits.ts";
import { formOfValue, itemElement, memberOf, typeFor, type FieldType } from "./field-type.ts";

/** Faults reported at most. */
const FAULTS_MAX = 100;

/**
 * What is wrong with `value`, each with its path: `.spec.foo: field not declared in schema`. Empty when nothing is.
 * @throws StatusError "RequestEntityTooLarge" for more than ITEMS_MAX items and entries that have owners of their own
 */
export function typeFaults(value: unknown, type: FieldType): string[] {
  const found: Found = { faults: [], items: 0 };
  check(found, undefined, value, type);
  return found.faults;
}

interface Found {
  faults: string[];
  items: number;
}

function count(found: Found, of: FieldType | undefined): void {
  found.items += weightOf(of?.fields.size ?? 0);
  if (found.items > ITEMS_MAX) throw tooManyItems();
}

/** Where a value is: its text is put together for a fault only. */
interface Place {
  around: Place | undefined;
  /** An index, or an element (path-element.ts). */
  step: number | string;
}

function pathOf(place: Place | undefined): string {
  const steps: string[] = [];
  for (let at = place; at; at = at.around) {
    steps.push(typeof at.step === "number" ? `[${at.step}]` : elementText(at.step));
  }
  return steps.toReversed().join("");
}

/** Several faults as one text. */
export function faultsText(faults: readonly string[]): string {
  return faults.length === 1 ? (faults[0] ?? "") : ["errors:", ...faults.map((fault) => `  ${fault}`)].join("\n");
}

function report({ faults }: Found, place: Place | undefined, message: string): void {
  if (faults.length >= FAULTS_MAX) return;
  const path = pathOf(place);
  faults.push(path === "" ? message : `${path}: ${message}`);
}

function check(found: Found, path: Place | undefined, value: unknown, declared: FieldType): void {
  const type = typeFor(declared, value);
  const form = formOfValue(value);
  if (form === "null" || form === "absent") return;
  if (type.form === "scalar") {
    const fault = scalarFault(value, type);
    if (fault !== undefined) report(found, path, fault);
  } else if (form !== type.form) {
    report(found, path, `expected ${type.form}, got &{${goValue(value)}}`);
  } else if (type.form === "list") {
    checkItems(found, path, value as readonly unknown[], type);
  } else {
    checkMembers(found, path, value as Record<string, unknown>, type);
  }
}

function checkMembers(found: Found, path: Place | undefined, object: Record<string, unknown>, type: FieldType): void {
  for (const name of Object.keys(object)) {
    if (object[name] === undefined) continue;
    const member = memberOf(type, name);
    if (member.type.form === "scalar" && !type.fields.has(name)) count(found, member.type);
    const at = { around: path, step: member.element };
    if (!type.fields.has(name) && !type.element) return report(found, at, "field not declared in schema");
    check(found, at, object[name], member.type);
  }
}

function checkItems(found: Found, path: Place | undefined, items: readonly unknown[], type: FieldType): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    let step: Place["step"] = index;
    if (!type.atomic) {
      count(found, type.element);
      const at = itemElement(type, item);
      if ("fault" in at) return report(found, path, `element ${index}: ${at.fault}`);
      step = at.element;
      if (seen.has(step)) report(found, path, `duplicate entries for key ${elementText(step)}`);
      seen.add(step);
    }
    if (type.element) check(found, { around: path, step }, item, type.element);
  }
}

function scalarFault(value: unknown, { scalar }: FieldType): string | undefined {
  const raw = isRawNumber(value);
  switch (scalar) {
    case "numeric":
      return typeof value === "number" || raw ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    case "string":
      return typeof value === "string"
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    case "boolean":
      return typeof value === "boolean" ? undefined : `expected boolean, got &{${goValue(value)}}`;
    default:
      return typeof value !== "object" || raw ? undefined : `expected any scalar, got &{${goValue(value)}}`;
  }
}

function goType(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

/** As Go's %#v prints it. */
function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return "interface {}(nil)";
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(", ")}}`;
  if (typeof value === "string") return goQuote(value);
  if (typeof value !== "object" || isRawNumber(value)) return goValue(value);
  const members = sortedMembers(value).map(([name, member]) => `${goQuote(name)}:${goSyntax(member)}`);
  return `map[string]interface {}{${members.join(", ")}}`;
}

function sortedMembers(value: object): [string, unknown][] {
  return Object.entries(value as Record<string, unknown>).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
