/** For changes of canonical objects that add a member: canonical members are in the order of their struct (canonical.ts). */
import { fieldFacts } from "./field-facts.ts";

/** The same members in the order of the struct; what they hold is shared. @throws Error where there are no facts of the definition */
export function inStructOrder<T extends object>(object: T, definition: string): T {
  const fact = fieldFacts.struct(definition);
  if (!fact) throw new Error(`there are no field facts of ${definition}`);
  const place = (key: string): number => fact.index.get(key) ?? fact.fields.length;
  const entries = Object.entries(object).toSorted(([one], [other]) => place(one) - place(other));
  return Object.fromEntries(entries) as T;
}
