/**
 * Placed pods grouped by namespace and labels, and classes of groups that something counts ("pods of the namespace that this selector
 * matches"). A pod that comes or goes changes the counts of its group's classes only; no decision walks over pods.
 */

export interface PodGroup {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Being deleted: spreading does not count such pods, affinity does. */
  readonly terminating: boolean;
}

/** Told of each pod of a class that is put on a node (1) or taken off it (-1). */
export type Counter = (slot: number, times: number) => void;

export interface PodClass {
  /** Counts from now on, beginning with the pods that are there. Returns the undo. */
  count(counter: Counter): () => void;
}

export interface PodGroups {
  /** The group of a pod with these. */
  of(group: PodGroup): PodGroup;
  /** Puts a pod of the group on a node (1) or takes it off (-1). */
  move(group: PodGroup, slot: number, times: 1 | -1): void;
  /** Pods that `matches`, which answers the same as long as a class of this key is counted. One key, one class. */
  classOf(key: string, matches: (group: PodGroup) => boolean): PodClass;
}

interface Group extends PodGroup {
  key: string;
  pods: number;
  classes: readonly Class[];
}

interface Class {
  matches: (group: PodGroup) => boolean;
  counters: Set<Counter>;
}

const NO_CLASSES: readonly Class[] = [];

/** `placed` walks over all placed pods. */
export function createPodGroups(placed: (visit: (group: PodGroup, slot: number) => void) => void): PodGroups {
  const groups = new Map<string, Group>();
  const classes = new Map<string, Class>();

  const enter = (group: Group): void => {
    groups.set(group.key, group);
    const found = [...classes.values()].filter(({ matches }) => matches(group));
    group.classes = found.length === 0 ? NO_CLASSES : found;
  };
  /** Of two that were made with the same key while neither had pods only one counts. */
  const current = (group: Group): Group => (group.pods > 0 ? group : (groups.get(group.key) ?? group));
  const classFor = (key: string, matches: Class["matches"]): Class => {
    const known = classes.get(key);
    if (known) return known;
    const made: Class = { matches, counters: new Set() };
    classes.set(key, made);
    for (const group of groups.values()) if (matches(group)) group.classes = [...group.classes, made];
    return made;
  };
  const forget = (key: string, gone: Class): void => {
    classes.delete(key);
    for (const group of groups.values()) {
      if (group.classes.includes(gone)) group.classes = group.classes.filter((one) => one !== gone);
    }
  };

  return {
    of(group) {
      const key = `${group.terminating ? "-" : "+"}${group.namespace} ${JSON.stringify(group.labels)}`;
      return groups.get(key) ?? ({ ...group, key, pods: 0, classes: NO_CLASSES } satisfies Group);
    },
    move(handle, slot, times) {
      const group = current(handle as Group);
      if (times > 0 && group.pods === 0) enter(group);
      for (const { counters } of group.classes) for (const counter of counters) counter(slot, times);
      group.pods += times;
      if (group.pods === 0) groups.delete(group.key);
    },
    classOf: (key, matches) => ({
      count(counter) {
        const own = classFor(key, matches);
        placed((group, slot) => {
          if (current(group as Group).classes.includes(own)) counter(slot, 1);
        });
        own.counters.add(counter);
        return () => {
          own.counters.delete(counter);
          if (own.counters.size === 0 && classes.get(key) === own) forget(key, own);
        };
      },
    }),
  };
}
