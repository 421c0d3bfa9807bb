/**
 * Sets of fields, in the form in which Kubernetes stores them (FieldsV1), so that reading and writing managedFields is no
 * conversion: `{"f:spec": {"f:replicas": {}, "f:template": {".": {}, "f:metadata": {…}}}}`.
 *
 * A node without members is a field of the set; one with members is in the set itself only where it has the member ".".
 * `undefined` is the empty set: a root is never `{}`. Trees are shared and never changed once they are built.
 * The rules are those of fieldpath.Set in sigs.k8s.io/structured-merge-diff.
 */

export interface FieldTree {
  readonly [element: string]: FieldTree;
}

/** A set of fields; undefined when it holds none. */
export type FieldSet = FieldTree | undefined;

/** A tree while it is built. */
export interface GrowingTree {
  [element: string]: FieldTree;
}

/** A field of the set with nothing below it. */
export const LEAF: FieldTree = Object.freeze({});

/** The member by which a node with members says that it is in the set itself. */
export const SELF = ".";

export function isEmptyTree(tree: FieldTree): boolean {
  for (const _ in tree) return false;
  return true;
}

/** Is the node itself in the set? */
export function isMember(tree: FieldTree): boolean {
  return SELF in tree || isEmptyTree(tree);
}

/** The node as it is written: undefined for what is neither in the set nor has anything below it. */
function settled(tree: GrowingTree, member: boolean): FieldSet {
  let count = 0;
  for (const _ in tree) if (++count > 1) break;
  if (count === 0) return undefined;
  return member && count === 1 ? LEAF : tree;
}

/** What is in either. The same tree as `left` when `right` adds nothing. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (!left || left === right) return right;
  if (!right) return left;
  const member = isMember(left) || isMember(right);
  const out: GrowingTree = member ? { [SELF]: LEAF } : {};
  let same = isMember(left) === member;
  for (const element in left) {
    if (element === SELF) continue;
    const before = left[element] as FieldTree;
    const joined = Object.hasOwn(right, element) ? (union(before, right[element]) as FieldTree) : before;
    if (joined !== before) same = false;
    out[element] = joined;
  }
  for (const element in right) {
    if (element === SELF || Object.hasOwn(out, element)) continue;
    same = false;
    out[element] = right[element] as FieldTree;
  }
  return same ? left : settled(out, member);
}

/** What is in both. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  if (!left || !right) return undefined;
  const member = isMember(left) && isMember(right);
  const out: GrowingTree = member ? { [SELF]: LEAF } : {};
  for (const element in left) {
    if (element === SELF || !Object.hasOwn(right, element)) continue;
    const both = intersection(left[element], right[element]);
    if (both) out[element] = both;
  }
  return settled(out, member);
}

/** What is in `left` and not in `right`; of a field that goes, what is below it stays. The same tree when nothing goes. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  if (!left || !right) return left;
  const before = isMember(left);
  const member = before && !isMember(right);
  const out: GrowingTree = member ? { [SELF]: LEAF } : {};
  let same = before === member;
  for (const element in left) {
    if (element === SELF) continue;
    const child = left[element] as FieldTree;
    const rest = Object.hasOwn(right, element) ? difference(child, right[element]) : child;
    if (rest !== child) same = false;
    if (rest) out[element] = rest;
  }
  return same ? left : settled(out, member);
}

/** Is the field at this path in the set? */
export function hasField(set: FieldSet, path: readonly string[]): boolean {
  let tree = set;
  for (const element of path) {
    if (!tree || !Object.hasOwn(tree, element)) return false;
    tree = tree[element];
  }
  return tree !== undefined && path.length > 0 && isMember(tree);
}

/** The set of one field. */
export function fieldAt(path: readonly string[]): FieldTree {
  return path.reduceRight<FieldTree>((below, element) => ({ [element]: below }), LEAF);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Every field of the set, those of a node before those below it, each in the order of its elements. */
export function fieldPaths(set: FieldSet, prefix: readonly string[] = []): string[][] {
  if (!set) return [];
  const elements = Object.keys(set)
    .filter((element) => element !== SELF)
    .toSorted(byText);
  const own = elements.filter((element) => isMember(set[element] as FieldTree)).map((element) => [...prefix, element]);
  const below = elements.flatMap((element) => fieldPaths(set[element], [...prefix, element]));
  return [...own, ...below];
}
