import { CodingDecoder, type CodingReason, contentCoding } from "../body/coding.ts";
import { type ContentType, noContentType, readContentType } from "../body/content-type.ts";
import { EntropyCounter } from "../body/entropy.ts";
import type { GraphqlReason } from "../body/graphql.ts";
import type { GrpcReason } from "../body/grpc.ts";
import {
  BODY_BYTES,
  BODY_TEXT,
  FORM_NAME,
  FORM_VALUE,
  JSON_KEY,
  JSON_STRING,
  PART_TEXT,
  Place,
  type ValueSink,
} from "../body/place.ts";
import { matchesAllowList } from "../body/type-list.ts";
import { F } from "../http/field.ts";
import { findNamedField } from "../http/named-field.ts";
import {
  BODY_LENGTH,
  BODY_NONE,
  type CanonicalRequest,
  FIELD_SLOTS,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";
import type { Inspector } from "../waf/inspector.ts";
import type { Profile } from "../waf/profile.ts";
import { CleanValues } from "./clean-values.ts";
import type { CodedText } from "./coded-text.ts";
import { GraphqlQueries } from "./graphql-queries.ts";
import { RepeatedStrings } from "./repeated-strings.ts";
import { ScriptSamples } from "./script-samples.ts";
import { beginsFile, isBinary, isCompressed, reportCode, reportTexts } from "./waf-binary.ts";
import { WafReaders } from "./waf-readers.ts";
import type { RouteWaf } from "./waf-settings.ts";
import { inspectorGate, topRule, type WafGate, type WafVerdict } from "./waf-verdict.ts";

/** What a body with a content coding, or with compressed messages, tells later. Never called within `begin`, `write` or `end`. */
export interface BodyEvents {
  /** `write` returned false without a refusal and may be called again. */
  drained(): void;
  /** The body was refused between two calls; not called once `end` was. */
  refused(): void;
}

/**
 * Inspects request bodies, one after the other: undoes the content coding, reads by the declared type, and gives every
 * leaf value to the inspector. Any cutting into chunks gives the same verdict. Pooled per worker.
 *
 * Usage: `begin`; `write` for each chunk while it returns true; `end`. Whoever stops early calls `close`. After a
 * refusal the rest of the body need not be given. Without a content coding everything is synchronous, and `end` calls
 * back before it returns. A body of no bytes is never refused, whatever its type says.
 */
export class BodyInspection {
  readonly verdict: WafVerdict;

  readonly #verdict: Mutable<WafVerdict> = { refused: false, gate: "patterns", detail: "" };
  readonly #sink: ValueSink = { value: (bytes, start, end, place) => this.#take(bytes, start, end, place) };
  #request: CanonicalRequest | undefined;
  #waf: RouteWaf | undefined;
  #inspector: Inspector | undefined;
  #events: BodyEvents | undefined;
  #done: ((verdict: WafVerdict) => void) | undefined;
  /** A call of ours is running: events wait for its result. */
  #isCalled = false;

  #isBegun = false;
  #isOpen = false;
  #decoder: CodingDecoder | undefined;
  #codedText: CodedText | undefined;
  /** After content decoding. */
  #bytes = 0;
  #block: Buffer | undefined;
  #blockEnd = 0;
  #isFirstBlock = true;
  /** The body or part under way began as a file does. */
  #isFile = false;
  /** Names of `#profile` in which nothing was seen: applications have few, and send them again and again. */
  readonly #cleanKeys: CleanValues = new CleanValues(128, 24);
  readonly #cleanFields: CleanValues = new CleanValues(128, 24);
  readonly #strings: RepeatedStrings = new RepeatedStrings();
  #profile: Profile | undefined;
  readonly #entropy: EntropyCounter = new EntropyCounter();
  readonly #queries: GraphqlQueries = new GraphqlQueries(this.#sink);
  readonly #samples: ScriptSamples = new ScriptSamples();
  readonly #readers: WafReaders;

  /** `seed`: 32 random bits that no client can learn; see NameSet. */
  constructor(seed: number) {
    this.verdict = this.#verdict;
    this.#readers = new WafReaders(this.#sink, this.#queries, seed, {
      message: () => {
        if (!this.#verdict.refused) this.#inspector!.nextMessage();
      },
      ready: (reason) => this.#goOn(reason),
    });
  }

  /**
   * Starts a body. The inspector has begun the same request, and inspects no other one until `end` or `close`. The
   * request is read only here and in the first `write`. What the declared length and type alone refuse is refused here.
   */
  begin(request: CanonicalRequest, waf: RouteWaf, inspector: Inspector, events?: BodyEvents): void {
    this.#start(waf, inspector);
    this.#request = request;
    this.#events = events;
    if (request.bodyKind === BODY_NONE) return;
    if (request.bodyKind === BODY_LENGTH && request.bodyLength > 0) {
      if (request.bodyLength > waf.maxBodyBytes) this.#refuse("body_size", "body_size");
      else this.#open();
    }
  }

  /** Starts a message of a WebSocket, of which nobody says a type: text may be JSON. All of it is synchronous. */
  beginMessage(isText: boolean, waf: RouteWaf, inspector: Inspector): void {
    this.#start(waf, inspector);
    this.#isOpen = true;
    this.#choose(isText ? noContentType : messageBytes, waf, undefined);
    // Many applications send compressed or encrypted messages.
    this.#readers.entropyOf = "nothing";
  }

  #start(waf: RouteWaf, inspector: Inspector): void {
    this.close();
    this.#isBegun = true;
    this.#waf = waf;
    this.#inspector = inspector;
    this.#done = undefined;
    this.#isOpen = false;
    this.#bytes = 0;
    this.#entropy.reset();
    this.#queries.reset();
    this.#strings.clear();
    if (this.#profile !== waf.profile) {
      this.#profile = waf.profile;
      this.#cleanKeys.clear();
      this.#cleanFields.clear();
    }
    this.#verdict.refused = false;
    this.#verdict.detail = "";
  }

  /**
   * Inspects `bytes[start, end)`; they are the caller's again when it returns. Give at most 8 KiB at once: what a call
   * can cost grows with them. False: stop, either for good
   * (`verdict.refused`) or, only of compressed bytes, until `drained`.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#verdict.refused) return false;
    if (start >= end) return true;
    this.#isCalled = true;
    if (!this.#isOpen) this.#open();
    let isReady = true;
    if (this.#verdict.refused) isReady = false;
    else if (this.#decoder === undefined) {
      this.#read(bytes, start, end);
      isReady = this.#readers.grpc?.busy !== true;
    } else isReady = this.#decoder.write(bytes, start, end);
    this.#isCalled = false;
    return isReady && !this.#verdict.refused;
  }

  /** The body is complete. `done` is called exactly once unless `close` comes first. */
  end(done: (verdict: WafVerdict) => void): void {
    this.#done = done;
    if (this.#decoder !== undefined && !this.#verdict.refused) this.#decoder.end();
    else this.#finish();
  }

  /** Ends an inspection at any point and gives back what it grew to; nothing is called afterwards. Any number of times. */
  close(): void {
    if (!this.#isBegun) return;
    this.#isBegun = false;
    this.#block = undefined;
    this.#readers.close();
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#codedText = undefined;
    this.#request = undefined;
    this.#events = undefined;
    this.#done = undefined;
  }

  /** End of what was seen whole, from the start of the body, where it is of messages that stand for themselves; or 0. */
  get settled(): number {
    return this.#decoder === undefined ? (this.#readers.grpc?.settled ?? 0) : 0;
  }

  /**
   * How far from the last byte given so far an attack may stand that is not seen yet. Bytes of the body. Readers report
   * 8 KiB of a value at a time, escapes resolved: six bytes for one in JSON (`\u003c`), twelve in XML (`&#x0000003c;`),
   * as many in a part that is XML; the rest is blocks on the way and one step.
   */
  get lagBytes(): number {
    return this.#readers.lagBytes;
  }

  /** Chooses the reader, by type and coding. */
  #open(): void {
    this.#isOpen = true;
    const request = this.#request!;
    const waf = this.#waf!;
    const type = readContentType(request.fieldText(F.contentType));
    if (typeof type === "string") {
      this.#refuse("content_type", type);
      return;
    }
    if (
      type !== noContentType &&
      waf.denyUnknownContentTypes &&
      !matchesAllowList(type.essence, waf.allowed)
    ) {
      this.#refuse("content_type", "ct_unknown");
      return;
    }
    this.#choose(type, waf, request);
    const codingText = request.fieldText(F.contentEncoding);
    const isShort = request.bodyKind === BODY_LENGTH && request.bodyLength < ENTROPY_BODY_BYTES;
    if (!waf.entropyCheck || (isShort && codingText === undefined)) this.#readers.entropyOf = "nothing";
    if (codingText === undefined) return;
    const coding = contentCoding(codingText);
    // No browser and no client of JSON knows snappy, and it has no magic number and no checksum: a form can be snappy as it stands.
    const isKnown =
      coding !== undefined &&
      (coding !== "snappy" || type.family === "protobuf") &&
      (coding !== "aws-chunked" || isSignedInPieces(request));
    if (!isKnown) this.#refuse("coding", "coding_unsupported");
    else if (coding !== "identity") {
      if (coding === "snappy") this.#codedText = this.#readers.openCodedText();
      this.#decoder = new CodingDecoder(
        coding,
        { outputMaxBytes: waf.maxBodyBytes, ratioMax: waf.inflateRatioMax },
        {
          coded: (bytes, start, end) => this.#readCoded(bytes, start, end),
          slice: (bytes, start, end) => this.#readSlice(bytes, start, end),
          drained: () => {
            if (!this.#isCalled) this.#events?.drained();
          },
          ended: (reason) => this.#endDecoding(reason),
        },
      );
    }
  }

  #choose(type: ContentType, waf: RouteWaf, request: CanonicalRequest | undefined): void {
    this.#blockEnd = 0;
    this.#isFirstBlock = true;
    this.#samples.isReport = type.family === "report";
    this.#readers.choose(type, waf, request);
  }

  /** Reads bytes after content decoding, up to the limit: what follows it changes nothing before it. */
  #read(bytes: Uint8Array, start: number, end: number): void {
    const to = Math.min(end, start + this.#waf!.maxBodyBytes - this.#bytes);
    if (this.#readers.entropyOf === "all") this.#entropy.add(bytes, start, to);
    this.#bytes += to - start;
    if (this.#readers.hasBlocks) this.#fillBlocks(bytes, start, to);
    else this.#pass(bytes, start, to);
    if (to < end) this.#refuse("body_size", "body_size");
  }

  /** Two readers take turns: in blocks that do not depend on the chunks, or their findings would. */
  #fillBlocks(bytes: Uint8Array, start: number, end: number): void {
    const block = (this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES));
    for (let at = start; at < end && !this.#verdict.refused; ) {
      const count = Math.min(end - at, BLOCK_BYTES - this.#blockEnd);
      block.set(bytes.subarray(at, at + count), this.#blockEnd);
      this.#blockEnd += count;
      at += count;
      if (this.#blockEnd === BLOCK_BYTES) this.#endBlock();
    }
  }

  #endBlock(): void {
    const end = this.#blockEnd;
    this.#blockEnd = 0;
    if (this.#isFirstBlock && isCompressed(this.#block!, end)) this.#readers.entropyOf = "nothing";
    this.#isFirstBlock = false;
    // JSON first: its values are the better places for findings.
    if (this.#readers.guess?.write(this.#block!, 0, end) !== undefined) this.#readers.guess = undefined;
    this.#pass(this.#block!, 0, end);
  }

  #pass(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end || this.#verdict.refused) return;
    const { reader, gate, grpc } = this.#readers;
    const reason = reader!.write(bytes, start, end);
    if (typeof reason !== "string") return;
    this.#refuse(grpc === undefined ? gate : grpcGate(reason as GrpcReason), reason);
  }

  #readSlice(bytes: Uint8Array, start: number, end: number): boolean {
    this.#read(bytes, start, end);
    if (this.#verdict.refused) this.#tellRefusal();
    return true;
  }

  #readCoded(bytes: Uint8Array, start: number, end: number): void {
    if (this.#codedText !== undefined) this.#codedText.write(bytes, start, end);
    else {
      // A server that knows no codings reads a form in the name of the file.
      const place = new Place();
      place.kind = BODY_BYTES;
      this.#take(bytes, start, end, place);
    }
    if (this.#verdict.refused) this.#tellRefusal();
  }

  #endDecoding(reason: CodingReason | undefined): void {
    if (reason === undefined) this.#finish();
    else {
      this.#refuse("coding", reason);
      this.#tellRefusal();
    }
  }

  /** The reader of gRPC is no longer busy. */
  #goOn(reason: GrpcReason | undefined): void {
    if (reason !== undefined) this.#refuse(grpcGate(reason), reason);
    if (this.#verdict.refused) this.#tellRefusal();
    else this.#events?.drained();
  }

  #tellRefusal(): void {
    this.#decoder?.close();
    this.#decoder = undefined;
    if (this.#done !== undefined) this.#finish();
    else if (!this.#isCalled) this.#events?.refused();
  }

  #finish(): void {
    if (!this.#verdict.refused && this.#bytes > 0) {
      if (this.#blockEnd > 0) this.#endBlock();
      this.#readers.guess?.end();
      this.#codedText?.end();
      const reason = this.#readers.reader?.end();
      if (typeof reason === "string") this.#refuse(this.#readers.gate, reason);
      this.#checkEntropy();
    }
    const done = this.#done;
    this.close();
    done?.(this.#verdict);
  }

  #checkEntropy(): void {
    const { entropyCheck, entropyThreshold } = this.#waf!;
    if (!entropyCheck || this.#readers.entropyOf === "nothing" || this.#bytes < ENTROPY_BODY_BYTES) return;
    const wanted = this.#readers.entropyOf === "all" ? ENTROPY_BODY_BYTES : ENTROPY_STRING_BYTES;
    if (this.#entropy.total >= wanted && this.#entropy.exceeds(entropyThreshold))
      this.#refuse("entropy", "entropy");
  }

  /** Every value of the body. The first refusal counts, wherever it is made: that keeps chunks out of it. */
  #take(bytes: Uint8Array, start: number, end: number, place: Place): void {
    if (this.#verdict.refused) return;
    const inspector = this.#inspector!;
    const { kind } = place;
    const from = start + place.repeated;
    if (kind === JSON_STRING && this.#samples.isReport) this.#samples.string(start, end, place);
    const isBytes = kind === BODY_BYTES || kind === BODY_TEXT;
    if (isBytes && place.repeated === 0)
      this.#isFile = this.#readers.mayBeFile && beginsFile(bytes, start, end);
    if (isBytes && (this.#isFile || isBinary(bytes, start, end))) {
      place.kind = BODY_BYTES;
      if (this.#isFile) reportCode(bytes, start, end, place, inspector);
      else reportTexts(bytes, start, end, place, inspector);
      place.kind = kind;
    } else if (kind === JSON_KEY) this.#takeName(this.#cleanKeys, bytes, start, end, place);
    else if (kind === FORM_NAME) this.#takeName(this.#cleanFields, bytes, start, end, place);
    else if (place.kind === JSON_STRING && this.#bytes > REPEATS_FROM_BYTES)
      this.#strings.take(inspector, bytes, start, end, place);
    else inspector.value(bytes, start, end, place);
    if (inspector.refused) {
      this.#refuse(inspectorGate(inspector, this.#waf!.profile.threshold), topRule(inspector));
      return;
    }
    if (kind === JSON_KEY || kind === JSON_STRING) {
      if (this.#readers.entropyOf === "strings") this.#entropy.add(bytes, from, end);
      if (kind === JSON_STRING)
        this.#check(this.#queries.string(this.#waf!.graphql, bytes, start, end, place));
      else if (!place.goesOn) {
        this.#queries.key(bytes, start, end);
        if (this.#samples.isReport) this.#samples.key(bytes, start, end);
      }
    } else if (kind === PART_TEXT && this.#readers.entropyOf === "parts") this.#entropy.add(bytes, from, end);
    else if (kind === FORM_NAME) this.#queries.name(bytes, start, end);
    else if (kind === FORM_VALUE)
      this.#check(this.#queries.parameter(this.#waf!.graphql, bytes, start, end, place));
  }

  #takeName(clean: CleanValues, bytes: Uint8Array, start: number, end: number, place: Place): void {
    if (clean.has(bytes, start, end)) return;
    const inspector = this.#inspector!;
    inspector.value(bytes, start, end, place);
    if (inspector.detections === 0 && !inspector.done) clean.add(bytes, start, end);
  }

  #check(reason: GraphqlReason | undefined): void {
    if (reason !== undefined) this.#refuse("content_type", reason);
  }

  #refuse(gate: WafGate, detail: string): void {
    if (this.#verdict.refused) return;
    this.#verdict.refused = true;
    this.#verdict.gate = gate;
    this.#verdict.detail = detail;
  }
}

/** As clients of S3 say that they send it so; nobody else has that coding. */
function isSignedInPieces(request: CanonicalRequest): boolean {
  const index = findNamedField(request, "x-amz-content-sha256", 0);
  if (index < 0) return false;
  const { arena, fields } = request;
  const start = fields[index * FIELD_SLOTS + VALUE_START]!;
  const end = fields[index * FIELD_SLOTS + VALUE_END]!;
  return arena.latin1Slice(start, end).startsWith("STREAMING-");
}

/** Of a binary message: read like a body of an unknown type. */
const messageBytes: ContentType = { ...noContentType, family: "octet" };

/** As gRPC's statuses tell them apart: what nobody undoes, what is too large, and what is broken. */
function grpcGate(reason: GrpcReason): WafGate {
  if (reason === "grpc_compressed") return "coding";
  return reason === "decompress_cap" || reason === "ratio_cap" ? "body_size" : "content_type";
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const BLOCK_BYTES = 8192;
/** Fewer bytes say nothing about their distribution. */
const ENTROPY_BODY_BYTES = 256;
const ENTROPY_STRING_BYTES = 128;
/** Shorter bodies seldom repeat their strings. */
const REPEATS_FROM_BYTES = 16_384;
