/** A connection in a thread of its own. This is both ends: the thread runs this file again (at its end). */
import { fileURLToPath } from "node:url";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import {
  DatabaseError,
  type DatabaseErrorCode,
  type ResultSet,
  type SqlValue,
  type Statement,
} from "../../storage/database.ts";
import { openConnection, type ConnectionOptions, type LibsqlConnection } from "./libsql-connection.ts";

/** Texts are sent once, and are named by their place from then on; those beyond are sent each time. */
const TEXTS_MAX = 500;
/** Little lives longer than one group of writes. The old generation has no limit of its own: past it the whole process would end. */
const HEAP = { maxYoungGenerationSizeMb: 2 };

interface Request {
  /** New ones. */
  texts: string[];
  calls: [text: number | string, args: readonly SqlValue[], single: boolean][];
}

/** The first message names the file. Undefined: the end. */
type Message = { open: ConnectionOptions } | Request | undefined;

type Answer = { results: ResultSet[] } | { error: string; code: DatabaseErrorCode };

interface Waiting {
  resolve: (results: ResultSet[]) => void;
  reject: (error: DatabaseError) => void;
}

export class WritingThread {
  readonly #worker: Worker;
  readonly #places = new Map<string, number>();
  /** In the order of their requests, which is that of their answers. */
  readonly #waiting: Waiting[] = [];
  #ended = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (answer: Answer) => this.#answered(answer));
    worker.on("error", (cause) => this.#end(cause));
    worker.on("exit", () => this.#end(undefined));
  }

  /** Without a file yet: it is loading, and takes the first message when it has. */
  static begin(): WritingThread {
    const own = { workerData: { writes: true }, resourceLimits: HEAP, execArgv: [] };
    const thread = new WritingThread(new Worker(fileURLToPath(import.meta.url), own));
    // One that waits for its file keeps no process alive.
    thread.#worker.unref();
    return thread;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Once, before anything else. @throws DatabaseError */
  async open(options: ConnectionOptions): Promise<void> {
    await this.#ask({ open: options });
  }

  /** Without waiting for anything that it does. */
  async abandon(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }

  /** @throws DatabaseError */
  batch(statements: readonly Statement[]): Promise<ResultSet[]> {
    if (this.#ended) return Promise.reject(new DatabaseError("the database is closed"));
    const texts: string[] = [];
    const calls = statements.map(({ sql, args = [], single = false }): Request["calls"][number] => [
      this.#placeOf(sql, texts),
      args,
      single,
    ]);
    return this.#ask({ texts, calls });
  }

  /** What is under way ends first. @throws DatabaseError */
  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = this.#ask(undefined);
    this.#ended = true;
    await closed;
    await this.#worker.terminate();
  }

  #placeOf(sql: string, added: string[]): number | string {
    const known = this.#places.get(sql);
    if (known !== undefined) return known;
    if (this.#places.size >= TEXTS_MAX) return sql;
    const place = this.#places.size;
    this.#places.set(sql, place);
    added.push(sql);
    return place;
  }

  #ask(request: Message): Promise<ResultSet[]> {
    return new Promise((resolve, reject) => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.#worker.postMessage(request);
      this.#waiting.push({ resolve, reject });
      // A process that waits for an answer must not end before it.
      if (this.#waiting.length === 1) this.#worker.ref();
    });
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    if ("error" in answer) waiting?.reject(new DatabaseError(answer.error, { code: answer.code }));
    else waiting?.resolve(answer.results);
  }

  /** Of what was under way nobody knows whether it was stored. */
  #end(cause: unknown): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new DatabaseError("the database's thread ended", { cause, outcomeUnknown: true }));
    }
  }
}

function answerOf(run: () => ResultSet[]): Answer {
  try {
    return { results: run() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: message, code: error instanceof DatabaseError ? error.code : "failed" };
  }
}

function serve(port: NonNullable<typeof parentPort>): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- as above
  const answer = (run: () => ResultSet[]) => port.postMessage(answerOf(run));
  const texts: string[] = [];
  let opened: LibsqlConnection | undefined;
  port.on("message", (message: Message) => {
    answer(() => {
      if (message === undefined) {
        opened?.close();
        return [];
      }
      if ("open" in message) {
        opened = openConnection(message.open);
        return [];
      }
      if (!opened) throw new DatabaseError("the file is not open");
      texts.push(...message.texts);
      const statements = message.calls.map(([text, args, single]): Statement => ({
        sql: typeof text === "string" ? text : (texts[text] ?? ""),
        args,
        single,
      }));
      return opened.batch(statements, "write");
    });
  });
}

const given = workerData as { writes?: boolean } | null;
if (!isMainThread && parentPort && given?.writes) serve(parentPort);
