/** A binary heap: the smallest by `less` first. */

export interface Heap<T> {
  readonly size: number;
  peek(): T | undefined;
  push(item: T): void;
  pop(): T | undefined;
}

export function createHeap<T extends object>(less: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];
  const isLess = (a: number, b: number): boolean => {
    const [first, second] = [items[a], items[b]];
    return first !== undefined && second !== undefined && less(first, second);
  };
  const swap = (a: number, b: number): void => {
    const [first, second] = [items[a], items[b]];
    if (first === undefined || second === undefined) return;
    items[a] = second;
    items[b] = first;
  };
  return {
    get size() {
      return items.length;
    },
    peek: () => items[0],
    push(item) {
      let index = items.push(item) - 1;
      while (index > 0 && isLess(index, (index - 1) >> 1)) {
        swap(index, (index - 1) >> 1);
        index = (index - 1) >> 1;
      }
    },
    pop() {
      swap(0, items.length - 1);
      const smallest = items.pop();
      for (let index = 0; ;) {
        const left = 2 * index + 1;
        const child = isLess(left + 1, left) ? left + 1 : left;
        if (!isLess(child, index)) return smallest;
        swap(index, child);
        index = child;
      }
    },
  };
}
