import { decodeForm } from "../body/form-repeat.ts";
import {
  defaultGraphqlLimits,
  type GraphqlLimits,
  GraphqlReader,
  type GraphqlReason,
} from "../body/graphql.ts";
import type { Place, ValueSink } from "../body/place.ts";
import { sameLimits } from "./same-limits.ts";

/**
 * GraphQL that stands in other values: the `query` of JSON and of messages (graphql-transport-ws), and the parameter `query`
 * of an address or a form (GraphQL over HTTP §4). Its strings come back to the sink as values of their own, escapes
 * resolved, because in the text as it stands `u\u006eion` is no word and `"1 or …` no beginning.
 *
 * A `query` that is something else (a search, PromQL, JSON) is given up at its first tokens. A long value comes in pieces.
 */
export class GraphqlQueries {
  readonly #sink: ValueSink;
  /** Made when the first query comes: most requests have none. */
  #reader: GraphqlReader | undefined;
  #limits: GraphqlLimits = defaultGraphqlLimits;
  /** The key or name that was reported last is `query`. */
  #isNext = false;
  #decoded: Uint8Array = new Uint8Array(0);
  /** Bytes at the end of the piece before that begin an escape. */
  #cut = 0;

  constructor(sink: ValueSink) {
    this.#sink = sink;
  }

  /** The reader for these limits; kept while they are equal. */
  reader(limits: GraphqlLimits): GraphqlReader {
    if (this.#reader === undefined || !sameLimits(this.#limits, limits)) {
      this.#reader = new GraphqlReader(this.#sink, limits);
      this.#limits = limits;
    }
    return this.#reader;
  }

  /** Before each address and each body: limits count within one. */
  reset(): void {
    this.#isNext = false;
    this.#reader?.reset();
  }

  /** A key of JSON. */
  key(bytes: Uint8Array, start: number, end: number): void {
    this.#isNext = isQuery(bytes, start, end);
  }

  /** A string of JSON, or a piece of one. */
  string(
    limits: GraphqlLimits,
    bytes: Uint8Array,
    start: number,
    end: number,
    place: Place,
  ): GraphqlReason | undefined {
    if (!this.#isNext) return undefined;
    const { repeated, goesOn } = place;
    this.#isNext = goesOn;
    return isMember(place) ? this.#read(limits, bytes, start + repeated, end, place) : undefined;
  }

  /** The name of a parameter, as it came. */
  name(bytes: Uint8Array, start: number, end: number): void {
    this.#isNext = false;
    if (end - start > NAME_BYTES || (bytes[start] !== LOWER_Q && bytes[start] !== PERCENT)) return;
    const length = decodeForm(bytes, start, end, this.#room(NAME_BYTES));
    this.#isNext = isQuery(this.#decoded, 0, length);
  }

  /** The value of a parameter as it came, or a piece of it, which begins with the end of the one before. */
  parameter(
    limits: GraphqlLimits,
    bytes: Uint8Array,
    start: number,
    end: number,
    place: Place,
  ): GraphqlReason | undefined {
    if (!this.#isNext) return undefined;
    const { repeated, goesOn } = place;
    this.#isNext = goesOn;
    const from = start + repeated - (repeated > 0 ? this.#cut : 0);
    const to = goesOn ? beforeCutEscape(bytes, from, end) : end;
    this.#cut = end - to;
    const length = decodeForm(bytes, from, to, this.#room(to - from));
    return this.#read(limits, this.#decoded, 0, length, place);
  }

  #read(
    limits: GraphqlLimits,
    bytes: Uint8Array,
    start: number,
    end: number,
    { repeated, goesOn }: Place,
  ): GraphqlReason | undefined {
    const reader = this.reader(limits);
    return (
      (repeated === 0 ? reader.startDocument() : undefined) ??
      reader.write(bytes, start, end) ??
      (goesOn ? undefined : reader.end())
    );
  }

  #room(bytes: number): Uint8Array {
    if (this.#decoded.length < bytes) this.#decoded = new Uint8Array(bytes);
    return this.#decoded;
  }
}

/** `query` with each of its letters escaped. */
const NAME_BYTES = 15;

/** `$.query`, that of one query in a batch, or of a message. */
function isMember(place: Place): boolean {
  return /^json:\$(?:\[\d+\]|\.payload)?\.query$/.test(place.text());
}

function isQuery(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start === 5 &&
    bytes[start] === 0x71 &&
    bytes[start + 1] === 0x75 &&
    bytes[start + 2] === 0x65 &&
    bytes[start + 3] === 0x72 &&
    bytes[start + 4] === 0x79
  );
}

function beforeCutEscape(bytes: Uint8Array, from: number, end: number): number {
  if (end - from > 0 && bytes[end - 1] === PERCENT) return end - 1;
  return end - from > 1 && bytes[end - 2] === PERCENT ? end - 2 : end;
}

const PERCENT = 0x25;
const LOWER_Q = 0x71;
