import type { Page, PageName, PageSource } from "../respond/page.ts";
import type { ControlAnswer } from "./control-listener.ts";
import { formatFor, type MetricFormat } from "./series-print.ts";

/** A worker's question to the primary, which alone knows what the pages say. */
export interface PageAsk {
  /** Of this worker. */
  readonly id: number;
  readonly name: PageName;
  readonly format: MetricFormat;
}

/** Longer than the primary waits for the slowest worker at a scrape. */
const ANSWER_WITHIN_MS = 2000;
/** Clients that wait at once; others are refused. */
const WAITING_MAX = 64;

interface Question {
  readonly answer: Promise<Page | undefined>;
  readonly resolve: (page: Page | undefined) => void;
}

/**
 * A worker's side of `expose_internal`. Clients that want the same page wait for the same answer, so no more than three
 * questions are ever on their way.
 */
export class PageDesk implements PageSource {
  readonly #send: (ask: PageAsk) => void;
  readonly #open = new Map<string, Question & { readonly id: number }>();
  #waiting = 0;
  #lastId = 0;

  constructor(send: (ask: PageAsk) => void) {
    this.#send = send;
  }

  async ask(name: PageName, accept: string): Promise<Page | undefined> {
    if (this.#waiting >= WAITING_MAX) return undefined;
    const format = name === "/metrics" ? formatFor(accept) : "text";
    this.#waiting++;
    try {
      return await (this.#open.get(`${name} ${format}`) ?? this.#question(name, format)).answer;
    } finally {
      this.#waiting--;
    }
  }

  hear(id: number, page: Page | undefined): void {
    for (const question of this.#open.values()) if (question.id === id) question.resolve(page);
  }

  #question(name: PageName, format: MetricFormat): Question {
    const id = ++this.#lastId;
    const key = `${name} ${format}`;
    const { promise, resolve } = Promise.withResolvers<Page | undefined>();
    const timer = setTimeout(() => question.resolve(undefined), ANSWER_WITHIN_MS);
    const question = {
      id,
      answer: promise,
      resolve: (page: Page | undefined) => {
        clearTimeout(timer);
        this.#open.delete(key);
        resolve(page);
      },
    };
    this.#open.set(key, question);
    this.#send({ id, name, format });
    return question;
  }
}

/** The primary's side: what telemetry and admin listener would answer. Undefined: they would not. Never rejects. */
export async function answerPage(
  { name, format }: PageAsk,
  metrics: (format: MetricFormat) => Promise<ControlAnswer>,
  snapshot: () => ControlAnswer | Promise<ControlAnswer>,
): Promise<Page | undefined> {
  try {
    const { status, body, type } = await (name === "/metrics" ? metrics(format) : snapshot());
    return status === 200 && type !== undefined ? { type, body: Buffer.from(body) } : undefined;
  } catch (cause) {
    // A defect, not an answer: it takes the road of every other one.
    process.nextTick(() => {
      throw cause;
    });
    return undefined;
  }
}
