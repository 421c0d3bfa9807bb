/**
 * The types of expressions, and which may stand where which is wanted: cel-go's checker (types.go, format.go), whose names for types are
 * in messages.
 */

export type TypeKind =
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "null"
  | "duration"
  | "timestamp"
  | "dyn"
  | "error"
  | "list"
  | "map"
  | "optional"
  | "type"
  | "object"
  | "param";

export interface CelType {
  readonly kind: TypeKind;
  /** Of objects and parameters. */
  readonly name: string;
  readonly params: readonly CelType[];
  /** Of objects: what may be selected. Absent: nothing may. */
  readonly fields?: (name: string) => CelType | undefined;
  /** Parameters are somewhere inside. */
  readonly isOpen: boolean;
  /** Types inside of it and itself. */
  readonly size: number;
}

/** Nested macros can double a type with each step. */
const TYPE_SIZE_MAX = 256;

function type(kind: TypeKind, name: string, params: readonly CelType[] = []): CelType {
  let size = 1;
  for (const param of params) size += param.size;
  return { kind, name, params, isOpen: kind === "param" || params.some(({ isOpen }) => isOpen), size };
}

export const BOOL = type("bool", "bool");
export const INT = type("int", "int");
export const UINT = type("uint", "uint");
export const DOUBLE = type("double", "double");
export const STRING = type("string", "string");
export const BYTES = type("bytes", "bytes");
export const NULL = type("null", "null");
export const DURATION = type("duration", "duration");
export const TIMESTAMP = type("timestamp", "timestamp");
export const DYN = type("dyn", "dyn");
export const ERROR = type("error", "!error!");

function bounded(made: CelType): CelType {
  return made.size > TYPE_SIZE_MAX ? DYN : made;
}

export const listOf = (item: CelType): CelType => bounded(type("list", "list", [item]));
export const mapOf = (key: CelType, value: CelType): CelType => bounded(type("map", "map", [key, value]));
export const optionalOf = (value: CelType): CelType => bounded(type("optional", "optional_type", [value]));
export const typeOf = (of: CelType): CelType => bounded(type("type", "type", [of]));
export const paramOf = (name: string): CelType => type("param", name);

/** `fields` is asked by the name that expressions use. */
export function objectOf(name: string, fields: (name: string) => CelType | undefined = () => undefined): CelType {
  return { ...type("object", name), fields };
}

/** As messages show it: `list(string)`, `map(string, int)`, `kubernetes.URL`. */
export function typeName({ name, params }: CelType): string {
  return params.length === 0 ? name : `${name}(${params.map(typeName).join(", ")})`;
}

/** `string.(string, int)`: what a call was made with. */
export function signature(args: readonly CelType[], isMember: boolean): string {
  const [target, ...rest] = args;
  if (isMember && target) return `${typeName(target)}.(${rest.map(typeName).join(", ")})`;
  return `(${args.map(typeName).join(", ")})`;
}

export function isSameType(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.name !== b.name || a.size !== b.size) return false;
  return a.params.length === b.params.length && a.params.every((param, i) => isSameType(param, b.params[i] ?? DYN));
}

/** With other parameters. */
export function renamed(of: CelType, names: ReadonlyMap<string, CelType>): CelType {
  if (!of.isOpen) return of;
  if (of.kind === "param") return names.get(of.name) ?? of;
  return bounded(
    type(
      of.kind,
      of.name,
      of.params.map((param) => renamed(param, names)),
    ),
  );
}

const NULLABLE: ReadonlySet<TypeKind> = new Set(["null", "object", "optional", "duration", "timestamp"]);

/** What parameters of types stand for, as far as is known. Changes can be taken back. */
export class TypeBindings {
  private readonly bound = new Map<string, CelType>();
  private readonly undo: [string, CelType | undefined][] = [];
  private count = 0;

  fresh(): CelType {
    this.count += 1;
    return paramOf(`_var${this.count - 1}`);
  }

  /** Whether `given` can be used as `wanted`. Binds parameters of both, unless it cannot. */
  accepts(wanted: readonly CelType[], given: readonly CelType[]): boolean {
    this.undo.length = 0;
    if (this.allAssignable(wanted, given)) return true;
    for (const [name, before] of this.undo.toReversed()) {
      if (before) this.bound.set(name, before);
      else this.bound.delete(name);
    }
    return false;
  }

  /** The same for good: what is not known is `dyn`. Types that are parts of others are made once. */
  finalResolver(): (of: CelType) => CelType {
    const known = new Map<CelType, CelType>();
    const resolve = (of: CelType): CelType => {
      if (!of.isOpen) return of;
      const before = known.get(of);
      if (before) return before;
      const bound = of.kind === "param" ? this.bound.get(of.name) : undefined;
      const made =
        of.kind === "param" ? (bound ? resolve(bound) : DYN) : bounded(type(of.kind, of.name, of.params.map(resolve)));
      known.set(of, made);
      return made;
    };
    return resolve;
  }

  /** With parameters replaced by what they stand for; by `dyn` where nothing is known and `isFinal`. */
  resolve(of: CelType, isFinal = false): CelType {
    if (!of.isOpen) return of;
    if (of.kind === "param") {
      const bound = this.bound.get(of.name);
      if (!bound) return isFinal ? DYN : of;
      const resolved = this.resolve(bound, isFinal);
      // Chains of parameters are gone through once.
      if (!resolved.isOpen && !isFinal) this.bound.set(of.name, resolved);
      return resolved;
    }
    return bounded(
      type(
        of.kind,
        of.name,
        of.params.map((param) => this.resolve(param, isFinal)),
      ),
    );
  }

  private bind(param: CelType, to: CelType): void {
    this.undo.push([param.name, this.bound.get(param.name)]);
    this.bound.set(param.name, to);
  }

  private allAssignable(a: readonly CelType[], b: readonly CelType[]): boolean {
    return a.length === b.length && a.every((one, index) => this.assignable(one, b[index] ?? DYN));
  }

  private assignable(a: CelType, b: CelType): boolean {
    if (b.kind === "param") {
      const outcome = this.substitutes(a, b);
      if (outcome !== "free") return outcome === "yes";
    }
    if (a.kind === "param") return this.substitutes(b, a) === "yes";
    if (isAny(a) || isAny(b)) return true;
    if (a.kind === "null") return NULLABLE.has(b.kind);
    if (b.kind === "null") return NULLABLE.has(a.kind);
    if (a.kind === "type") return b.kind === "type";
    if (a.params.length > 0) return a.kind === b.kind && this.allAssignable(a.params, b.params);
    return a.kind === b.kind && a.name === b.name;
  }

  /** "free": it does not, and nothing was known of the parameter. */
  private substitutes(to: CelType, param: CelType): "yes" | "no" | "free" {
    if (isSameType(to, param)) return "yes";
    const bound = this.bound.get(param.name);
    if (bound) {
      if (isSameType(to, bound)) return "yes";
      if (!this.assignable(to, bound)) return "no";
      const general = moreGeneral(to, bound);
      if (!this.isIn(param, general)) this.bind(param, general);
      return "yes";
    }
    if (this.isIn(param, to)) return "free";
    this.bind(param, to);
    return "yes";
  }

  private isIn(param: CelType, within: CelType): boolean {
    if (!within.isOpen) return false;
    if (within.kind !== "param") return within.params.some((inner) => this.isIn(param, inner));
    if (within.name === param.name) return true;
    const bound = this.bound.get(within.name);
    return bound !== undefined && this.isIn(param, bound);
  }
}

/** Whether there is any use in asking `accepts`: a glance at what the types are. */
export function mayAccept(wanted: readonly CelType[], given: readonly CelType[]): boolean {
  if (wanted.length !== given.length) return false;
  return wanted.every(({ kind }, index) => {
    const other = given[index]?.kind ?? "dyn";
    return kind === other || FLEXIBLE.has(kind) || FLEXIBLE.has(other);
  });
}

const FLEXIBLE: ReadonlySet<TypeKind> = new Set(["param", "dyn", "error", "null"]);

/** Anything goes with it. */
export function isAny({ kind }: CelType): boolean {
  return kind === "dyn" || kind === "error";
}

export function moreGeneral(a: CelType, b: CelType): CelType {
  return isLessSpecific(a, b) ? a : b;
}

function isLessSpecific(a: CelType, b: CelType): boolean {
  if (a.kind === "dyn" || a.kind === "param") return true;
  if (b.kind === "dyn" || b.kind === "param") return false;
  if (a.kind !== b.kind) return false;
  if (a.kind === "type" || a.params.length === 0) return a.kind === "type" || a.name === b.name;
  return a.params.length === b.params.length && a.params.every((p, index) => isLessSpecific(p, b.params[index] ?? DYN));
}
