/** Functions beyond the language's own: cel-go's extensions and k8s.io/apiserver/pkg/cel/library, found by their name. */
import { LIST_FUNCTIONS } from "./list-functions.ts";
import { LIBRARY_FUNCTIONS } from "./library-functions.ts";
import { TEXT_FUNCTIONS } from "./text-functions.ts";
import { timeFunction } from "./time-functions.ts";
import { isSequence, type Value, type CelFunction } from "./values.ts";

/** undefined: there is none. */
export function extendedFunctions(name: string): CelFunction | undefined {
  return (...values) => {
    const [first, ...rest] = values;
    if (first === undefined) return LIBRARY_FUNCTIONS[name]?.();
    return (
      ofText(name, first, rest) ??
      ofList(name, first, rest) ??
      timeFunction(name, first, rest) ??
      ofLibrary(name, values)
    );
  };
}

function ofText(name: string, first: Value, rest: readonly Value[]): Value | undefined {
  return typeof first === "string" && Object.hasOwn(TEXT_FUNCTIONS, name)
    ? TEXT_FUNCTIONS[name]?.(first, ...rest)
    : undefined;
}

function ofList(name: string, first: Value, rest: readonly Value[]): Value | undefined {
  const isAbout = isSequence(first) || name === "lists.range";
  return isAbout && Object.hasOwn(LIST_FUNCTIONS, name) ? LIST_FUNCTIONS[name]?.(first, ...rest) : undefined;
}

function ofLibrary(name: string, values: readonly Value[]): Value | undefined {
  return Object.hasOwn(LIBRARY_FUNCTIONS, name) ? LIBRARY_FUNCTIONS[name]?.(...values) : undefined;
}
