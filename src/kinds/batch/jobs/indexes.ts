/** Sets of indexes as Jobs write them, "0,2-5": validateIndexesFormat of pkg/apis/batch/validation of Kubernetes. */

interface Interval {
  first: number;
  last: number;
}

/** How many indexes the text names. @throws Error with Kubernetes' text */
export function countIndexes(text: string, completions: number): number {
  if (text === "") return 0;
  let total = 0;
  let before: number | undefined;
  for (const part of text.split(",")) {
    const { first, last } = parseInterval(part, completions);
    if (before !== undefined && before >= first) {
      throw new Error(`non-increasing order, previous: ${before}, current: ${first}`);
    }
    total += last - first + 1;
    before = last;
  }
  return total;
}

function parseInterval(text: string, completions: number): Interval {
  const limits = text.split("-");
  if (limits.length > 2) {
    throw new Error(
      `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    );
  }
  const [first = 0, last = first] = limits.map(index);
  if (first >= completions) throw new Error(`too large index: ${JSON.stringify(limits[0])}`);
  if (limits.length > 1 && last >= completions) throw new Error(`too large index: ${JSON.stringify(limits[1])}`);
  if (limits.length > 1 && first >= last) {
    throw new Error(`non-increasing order, previous: ${first}, current: ${last}`);
  }
  return { first, last };
}

function index(text: string): number {
  if (!/^[0-9]+$/.test(text)) {
    throw new Error(`cannot convert string to integer for index: ${JSON.stringify(text)}`);
  }
  return Number(text);
}

/** The first index that is in both, if any. Unreadable parts are passed over: they are reported elsewhere. */
export function overlap(a: string, b: string, completions: number): number | undefined {
  const intervals = intervalsOf(b, completions);
  for (const one of intervalsOf(a, completions)) {
    for (const other of intervals) {
      if (one.first <= other.last && other.first <= one.last) return Math.max(one.first, other.first);
    }
  }
  return undefined;
}

function intervalsOf(text: string, completions: number): Interval[] {
  if (text === "") return [];
  return text.split(",").flatMap((part) => {
    try {
      return [parseInterval(part, completions)];
    } catch {
      return [];
    }
  });
}
