/** Volumes that are attached to nodes, found by their node. */
import type { AttachmentView } from "../controller-runtime/views/storage-views.ts";
import { keyOf } from "../controller-runtime/views/view.ts";
import { createTable, type Table } from "./table.ts";

export interface Attachments extends Table<AttachmentView> {
  on(node: string): Iterable<AttachmentView>;
}

export function createAttachments(): Attachments {
  const byNode = new Map<string, Map<string, AttachmentView>>();

  function changed(before: AttachmentView | undefined, after: AttachmentView | undefined): void {
    if (before) {
      const there = byNode.get(before.node);
      there?.delete(keyOf(before.metadata));
      if (there?.size === 0) byNode.delete(before.node);
    }
    if (!after) return;
    const there = byNode.get(after.node) ?? new Map<string, AttachmentView>();
    byNode.set(after.node, there.set(keyOf(after.metadata), after));
  }

  const table = createTable(changed);
  return {
    get size() {
      return table.size;
    },
    get: (key) => table.get(key),
    all: () => table.all(),
    set: (view) => table.set(view),
    remove: (key) => table.remove(key),
    on: (node) => byNode.get(node)?.values() ?? [],
  };
}
