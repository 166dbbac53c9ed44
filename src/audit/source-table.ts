import type { JsonObject } from "./canonical.ts";
import type { AuditRecord, EventSource } from "./record.ts";

/** The last event number of each process that reports, by the process's id. */
export class SourceTable {
  readonly #last = new Map<string, { readonly id: number; n: number }>();
  /** Records were lost before: what a process reported last is not known. */
  #unsure = false;

  /** What a segment says at its beginning. */
  static from(sources: unknown): SourceTable {
    const table = new SourceTable();
    if (!Array.isArray(sources)) return table;
    for (const source of sources as readonly EventSource[])
      if (typeof source.b === "string" && Number.isSafeInteger(source.n)) table.set(source);
    return table;
  }

  lose(): void {
    this.#last.clear();
    this.#unsure = true;
  }

  lastOf(b: string): number {
    return this.#last.get(b)?.n ?? 0;
  }

  get size(): number {
    return this.#last.size;
  }

  set({ b, id, n }: EventSource): void {
    this.#last.set(b, { id, n });
  }

  forget(b: string): void {
    this.#last.delete(b);
  }

  entries(): readonly EventSource[] {
    return [...this.#last].map(([b, { id, n }]) => ({ b, id, n }));
  }

  /** Takes a record in; a text says which of its process's events are missing before it. */
  take({ w, kind, data }: AuditRecord): string | undefined {
    if (w === undefined) return undefined;
    const known = this.#last.get(w.b);
    const expected = (known?.n ?? 0) + 1;
    this.set(w);
    if (kind === "worker_exit") this.forget(w.b);
    // The start and the end of a process are no events of it: they say which was its last.
    const first = kind === "drop" ? Number(data?.["from"]) : kind === "worker_start" ? w.n + 1 : w.n;
    const wanted = kind === "worker_exit" ? expected - 1 : expected;
    if (first === wanted || (known === undefined && this.#unsure)) return undefined;
    return `process ${w.b}: event ${first} where ${wanted} was due`;
  }

  toJson(): readonly JsonObject[] {
    return this.entries().map(({ b, id, n }) => ({ b, id, n }));
  }
}
