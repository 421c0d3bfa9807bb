/**
 * Reads that would have to wait for one another travel together. For where a round trip is dear and many ask at once: the control loops of a
 * cluster that wakes up list some sixty resources. A read for which there is room goes at once and alone, so nobody waits for company.
 * Only for readers that live and end together (a Durable Object): on Workers a request may not depend upon what another one has asked for.
 */
import type { Database, ResultSet, Statement } from "./database.ts";

/** On their way at once: the platform allows six requests, and some are for writes. */
const UNDER_WAY_MAX = 4;
/** In one batch: the pages that are read of so many lists fit into one answer. */
const TOGETHER_MAX = 16;

interface Waiting {
  statements: readonly Statement[];
  /** It was part of a batch that failed, perhaps because of another. */
  alone: boolean;
  resolve: (results: ResultSet[]) => void;
  reject: (error: unknown) => void;
}

/** As `database`; a read that fails in company is tried once more alone, so that nobody gets another's error. */
export function gatherReads(database: Database): Database {
  const waiting: Waiting[] = [];
  let underWay = 0;

  function pump(): void {
    while (underWay < UNDER_WAY_MAX && waiting.length > 0) {
      underWay += 1;
      void send(takeTogether(waiting)).finally(() => {
        underWay -= 1;
        pump();
      });
    }
  }

  async function send(group: readonly Waiting[]): Promise<void> {
    try {
      const results = await database.batch(
        group.flatMap(({ statements }) => statements),
        "read",
      );
      for (const { statements, resolve } of group) resolve(results.splice(0, statements.length));
    } catch (error) {
      const [first, ...others] = group;
      if (others.length === 0) first?.reject(error);
      else waiting.push(...group.map((one) => ({ ...one, alone: true })));
    }
  }

  return {
    batch(statements, mode) {
      if (mode === "write") return database.batch(statements, mode);
      return new Promise((resolve, reject) => {
        waiting.push({ statements, alone: false, resolve, reject });
        pump();
      });
    },
    close: () => database.close(),
  };
}

/** The first that waits, and those after it that may go with it. */
function takeTogether(waiting: Waiting[]): Waiting[] {
  const alone = waiting.findIndex((one) => one.alone);
  const end = alone === 0 ? 1 : alone === -1 ? TOGETHER_MAX : Math.min(alone, TOGETHER_MAX);
  return waiting.splice(0, end);
}
