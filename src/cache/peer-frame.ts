import { F } from "../http/field.ts";
import { FIELD_ID, FIELD_SLOTS, FORWARD, NAME_START, VALUE_END } from "../http/request.ts";
import { RESPONSE_CHUNKED, RESPONSE_LENGTH, type ResponseHead } from "../http/response-head.ts";
import { type Outcome, outcomes } from "./counts.ts";
import { ageSecs } from "./life.ts";
import type { StoredAnswer } from "./stored-answer.ts";

/**
 * What workers say to each other about stored answers: a token of 32 bytes at the beginning of a connection, then frames,
 * `kind` and length in front. One question at a time on a connection: ASK, then HEAD or STORED_HEAD, any BODY and END; or
 * FAULT; or NOT_MINE, where the asker has to ask the upstream.
 */
export const ASK = 1;
export const HEAD_FRAME = 2;
export const BODY = 3;
export const END = 4;
export const FAULT = 5;
export const NOT_MINE = 6;
/** A head behind one byte: which of `outcomes` the answer is to the worker that has it. */
export const STORED_HEAD = 7;

export const TOKEN_BYTES = 32;
export const FRAME_HEADER_BYTES = 5;
/** Larger than any head with its fields, and than any piece of a body. */
export const FRAME_BYTES_MAX = 1_310_720;

export function frameHeader(kind: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header[0] = kind;
  header.writeUInt32LE(length, 1);
  return header;
}

/** Cuts what comes in into frames. Whole ones are given out, of what is to come at most one is kept. */
export class FrameReader {
  #rest: Buffer = EMPTY;

  /** False: what came is no frame. */
  read(bytes: Buffer, take: (kind: number, payload: Buffer) => boolean): boolean {
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = EMPTY;
    while (all.length >= FRAME_HEADER_BYTES) {
      const length = all.readUInt32LE(1);
      if (length > FRAME_BYTES_MAX) return false;
      const end = FRAME_HEADER_BYTES + length;
      if (all.length < end) break;
      const goesOn = take(all[0]!, all.subarray(FRAME_HEADER_BYTES, end));
      all = all.subarray(end);
      if (!goesOn) return true;
    }
    this.#rest = all.length === 0 ? EMPTY : Buffer.from(all);
    return true;
  }
}

const EMPTY = Buffer.alloc(0);

/** Payload of STORED_HEAD. The head is in the form in which upstreams send theirs: one reader for both. */
export function storedHeadPayload(answer: StoredAnswer, outcome: Outcome, nowMs: number): Buffer {
  const { head, life, tags, length } = answer;
  const tagLine = tags.length === 0 ? "" : `Surrogate-Key: ${tags.join(" ")}\r\n`;
  const ageLine = `Age: ${Math.max(0, ageSecs(life, nowMs))}\r\n`;
  const framing =
    head.status === 204
      ? ""
      : length >= 0
        ? `Content-Length: ${length}\r\n`
        : "Transfer-Encoding: chunked\r\n";
  return Buffer.concat([
    Buffer.of(outcomes.indexOf(outcome)),
    Buffer.from(`HTTP/1.1 ${head.status} `, "latin1"),
    head.bytes,
    Buffer.from(`${tagLine}${ageLine}${framing}\r\n`, "latin1"),
  ]);
}

/** The head of an answer that is passed on. */
export function passedHeadText(head: ResponseHead): Buffer {
  const { source, fields } = head;
  let text = `HTTP/1.1 ${head.status} ${source.latin1Slice(head.reasonStart, head.reasonEnd)}\r\n`;
  for (let slot = 0; slot < head.fieldCount * FIELD_SLOTS; slot += FIELD_SLOTS)
    if (fields[slot + FORWARD] !== 0 || fields[slot + FIELD_ID] === F.surrogateKey)
      text += `${source.latin1Slice(fields[slot + NAME_START]!, fields[slot + VALUE_END]!)}\r\n`;
  if (head.bodyKind === RESPONSE_LENGTH) text += `Content-Length: ${head.bodyLength}\r\n`;
  // Its end is told in a frame of its own. One that only the end of the connection ends is not made to look whole: the
  // asker must not store it, either.
  else if (head.bodyKind === RESPONSE_CHUNKED) text += "Transfer-Encoding: chunked\r\n";
  return Buffer.from(`${text}\r\n`, "latin1");
}

/** What an asker says: which route and upstream, whether a stale answer will do, and the request. */
export function askPayload(route: string, upstream: string, wantsFresh: boolean, request: Buffer): Buffer {
  const names = Buffer.from(`${wantsFresh ? "1" : "0"}${route}\0${upstream}\0`, "latin1");
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(names.length);
  return Buffer.concat([length, names, request]);
}

export interface Asked {
  readonly route: string;
  readonly upstream: string;
  readonly wantsFresh: boolean;
  readonly request: Buffer;
}

export function readAsk(payload: Buffer): Asked | undefined {
  if (payload.length < 4) return undefined;
  const end = 4 + payload.readUInt32LE(0);
  if (end > payload.length) return undefined;
  const text = payload.latin1Slice(4, end);
  const [route = "", upstream = ""] = text.slice(1).split("\0");
  return { route, upstream, wantsFresh: text[0] === "1", request: payload.subarray(end) };
}
